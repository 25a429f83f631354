// Against the numbers of Kafka's own Rate and TokenBucket (kafka-clients 4.3.1), which were given
// the same values at the same times: org.apache.kafka.common.metrics.stats, quota 1000.
#include "cmd/broker/quotas/rate.h"

#include <cmath>
#include <limits>

#include "tests/test.h"

namespace odradek::broker {
namespace {

constexpr int64_t kStart = 1'767'225'600'000;
constexpr double kLimit = 1000;

struct Step {
  int64_t after_ms;
  double value;
  double rate;
  int64_t throttle_ms;
  double tokens;
};
constexpr Step k11WindowsOf1s[] = {
    {275, 1924, 192.4, 0, 9076.0},
    {278, 2459, 426.4448336252189, 0, 6895.0},
    {1793, 1310, 565.2864660907557, 0, 7378.0},
    {144, 2197, 772.3935389133627, 0, 5325.0},
    {271, 2928, 1031.6612626358954, 332, 2668.0},
    {146, 527, 1067.0617005267118, 713, 2287.0},
    {941, 562, 1126.170434124657, 1334, 2666.0},
    {204, 2953, 1378.862392131391, 4083, -83.0},
    {107, 1756, 1526.6446159500183, 5732, -1732.0},
    {154, 1075, 1762.4028690974296, 7653, -2653.0},
    {4753, 2734, 1892.781021221388, 9634, -634.0},
    {256, 789, 2111.476062506221, 11167, -1167.0},
    {107, 456, 2134.1343312980107, 11516, -1516.0},
    {122, 1551, 2259.7314130011678, 12945, -2945.0},
    {1109, 2, 2236.2060664419837, 12838, -1838.0},
    {112, 41, 2216.252262551205, 12767, -1767.0},
    {27, 1508, 2353.85784872672, 14248, -3248.0},
    {182, 227, 2335.0457687278163, 14293, -3293.0},
    {1705, 1286, 2118.181818181818, 11562, -2874.0},
    {28, 2357, 2339.795524691358, 13891, -5203.0},
    {175, 2032, 2493.6924973916343, 15748, -7060.0},
    {110, 2079, 2663.0995963578334, 17717, -9029.0},
    {4197, 1770, 1661.599210266535, 6702, -6602.0},
    {280, 2057, 1814.505283381364, 8479, -8379.0},
    {91, 940, 1888.2963527283116, 9328, -9228.0},
    {40000, 1411, 141.1, 0, 9589.0},
    {3457, 2630, 386.4397054604571, 0, 8370.0},
    {104, 2605, 629.296468137487, 0, 5869.0},
    {263, 2632, 857.1692535107169, 0, 3500.0},
    {170, 2375, 1059.9417864289612, 659, 1295.0},
    {1861, 2362, 1291.110087517273, 3160, 794.0},
    {80, 1385, 1408.3219021490627, 4465, -511.0},
    {23, 1012, 1497.718561781347, 5454, -1500.0},
    {6, 2243, 1701.477562933236, 7691, -3737.0},
    {4281, 1110, 1929.2337725719865, 9520, -566.0},
    {188, 1701, 2057.509824595035, 11033, -2079.0},
    {175, 1016, 2119.3438914027147, 11874, -2920.0},
    {146, 2791, 2350.1022875209223, 14519, -5565.0},
    {2445, 610, 2278.1604915285793, 13730, -3730.0},
    {116, 617, 2310.6465279056915, 14231, -4231.0},
};
constexpr Step k3WindowsOf2s[] = {
    {251, 4, 1.0, 0, 5996.0},
    {294, 1835, 428.272007452259, 0, 4165.0},
    {4057, 2686, 1039.990806711101, 174, 3314.0},
    {208, 2173, 1469.1818381223952, 2139, 1349.0},
    {163, 1040, 1638.7124099957643, 3016, 472.0},
    {30, 295, 1690.446127946128, 3281, 207.0},
    {1749, 210, 1543.1325301204818, 2254, 1746.0},
    {20, 2145, 2050.1199040767387, 4379, -379.0},
    {119, 4, 1994.171135462812, 4264, -264.0},
    {270, 2755, 2480.3685018644437, 6749, -2749.0},
    {2665, 2814, 2703.292496171516, 8898, -2898.0},
    {276, 2885, 3092.181818181818, 11507, -5507.0},
    {139, 376, 3082.638765738606, 11744, -5744.0},
    {170, 2063, 3347.5641246341884, 13637, -7637.0},
    {3341, 2674, 1824.5021937225783, 4886, -6970.0},
    {44, 2281, 2193.132328308208, 7123, -9207.0},
    {223, 1876, 3569.9976150727407, 10776, -10860.0},
    {174, 2547, 4010.9915273643232, 13149, -13233.0},
    {273, 1710, 4143.534482758621, 14586, -14670.0},
    {244, 1261, 4194.717444717445, 15603, -15687.0},
    {91, 1968, 4513.56783919598, 17480, -17564.0},
    {170, 1263, 4609.912536443149, 18573, -18657.0},
    {709, 2890, 4545.26819268876, 20754, -20838.0},
    {0, 2289, 4936.282883498462, 23043, -23127.0},
    {295, 1428, 4931.696210765978, 24176, -24260.0},
    {40000, 1259, 314.75, 0, 4741.0},
    {1, 2966, 1055.9860034991252, 224, 1776.0},
    {248, 405, 1089.668157213462, 381, 1619.0},
    {243, 2672, 1625.5565449688336, 2810, -810.0},
    {190, 1863, 1957.4967962409225, 4483, -2483.0},
    {2069, 866, 2111.3449800042094, 5280, -1280.0},
    {40, 1185, 2341.056146942183, 6425, -2425.0},
    {35, 1764, 2689.598010774969, 8154, -4154.0},
    {210, 1163, 2808.3796664019064, 9107, -5107.0},
    {3113, 1366, 2522.198731501057, 9360, -3360.0},
    {52, 2061, 2833.4139654894375, 11369, -5369.0},
    {255, 1616, 2971.80916976456, 12730, -6730.0},
    {130, 2263, 3256.7567567567567, 14863, -8863.0},
    {2549, 730, 1611.7127958283193, 3050, -7044.0},
    {180, 2617, 2062.1370499419277, 5487, -9481.0},
};

template <size_t count>
void agrees(const QuotaWindows& windows, const Step (&steps)[count]) {
  SampledRate rate;
  TokenBucket bucket;
  int64_t now = kStart;
  for (const Step& step : steps) {
    now += step.after_ms;
    rate.record(windows, step.value, now);
    EXPECT(rate.per_second(windows, now) == doctest::Approx(step.rate).epsilon(1e-12));
    EXPECT_EQ(rate.throttle_ms(windows, kLimit, now), step.throttle_ms);
    bucket.spend(windows, kLimit, step.value, now);
    EXPECT(bucket.tokens(windows, kLimit, now) == doctest::Approx(step.tokens).epsilon(1e-12));
  }
}

TEST_CASE("rate, throttle time and credit are Kafka's, step by step") {
  agrees({11, 1000}, k11WindowsOf1s);
  agrees({3, 2000}, k3WindowsOf2s);
}

TEST_CASE("a first burst is spread over all windows but one") {
  const QuotaWindows windows{11, 1000};
  SampledRate rate;
  EXPECT_EQ(rate.per_second(windows, kStart), 0);
  rate.record(windows, 10'000, kStart);
  EXPECT_EQ(rate.per_second(windows, kStart), 1000);
  EXPECT_EQ(rate.throttle_ms(windows, kLimit, kStart), 0);
  rate.record(windows, 1, kStart);
  EXPECT_EQ(rate.throttle_ms(windows, kLimit, kStart), 1);
}

TEST_CASE("what is taken back leaves the rate as it was") {
  const QuotaWindows windows{11, 1000};
  SampledRate rate;
  rate.record(windows, 500, kStart);
  rate.record(windows, 50'000, kStart + 10);
  rate.record(windows, -50'000, kStart + 10);
  EXPECT_EQ(rate.per_second(windows, kStart + 10), doctest::Approx(500 / 10.01));
}

TEST_CASE("after a pause of all windows everything is forgotten") {
  const QuotaWindows windows{11, 1000};
  SampledRate rate;
  for (int i = 0; i < 30; ++i) rate.record(windows, 5000, kStart + i * 700);
  EXPECT(rate.throttle_ms(windows, kLimit, kStart + 29 * 700) > 0);
  EXPECT_EQ(rate.per_second(windows, kStart + 29 * 700 + 11'000), 0);
}

TEST_CASE("a limit that is no number bounds nothing, and no time is beyond what can be told") {
  const QuotaWindows windows{11, 1000};
  SampledRate rate;
  rate.record(windows, 1e300, kStart);
  EXPECT_EQ(rate.throttle_ms(windows, std::nan(""), kStart), 0);
  EXPECT_EQ(rate.throttle_ms(windows, std::numeric_limits<double>::infinity(), kStart), 0);
  EXPECT(rate.throttle_ms(windows, 1e-9, kStart) > int64_t{1} << 60);
  TokenBucket bucket;
  EXPECT_EQ(bucket.throttle_ms(windows, std::nan(""), kStart), 0);
}

}  // namespace
}  // namespace odradek::broker
