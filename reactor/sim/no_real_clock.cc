// The nondeterminism police. Every binary that links the simulator has these calls wrapped at link
// time (CMakeLists.txt, --wrap): outside of a shard's turn they are what they were, inside they
// abort, because a task that asks the real world breaks "same seed, same run".
#include <pthread.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "reactor/shard.h"

namespace {
void forbid(const char* call) {
  if (!odradek::reactor::on_a_shard()) return;
  std::fprintf(stderr, "a simulated task called %s: take time and chance from the shard\n", call);
  std::abort();
}
}  // namespace

extern "C" {
int __real_clock_gettime(clockid_t, timespec*);
int __wrap_clock_gettime(clockid_t id, timespec* out) {
  forbid("clock_gettime");
  return __real_clock_gettime(id, out);
}
time_t __real_time(time_t*);
time_t __wrap_time(time_t* out) {
  forbid("time");
  return __real_time(out);
}
int __real_gettimeofday(timeval*, void*);
int __wrap_gettimeofday(timeval* out, void* zone) {
  forbid("gettimeofday");
  return __real_gettimeofday(out, zone);
}
ssize_t __real_getrandom(void*, size_t, unsigned);
ssize_t __wrap_getrandom(void* out, size_t bytes, unsigned flags) {
  forbid("getrandom");
  return __real_getrandom(out, bytes, flags);
}
int __real_rand();
int __wrap_rand() {
  forbid("rand");
  return __real_rand();
}
int __real_usleep(useconds_t);
int __wrap_usleep(useconds_t us) {
  forbid("usleep");
  return __real_usleep(us);
}
int __real_nanosleep(const timespec*, timespec*);
int __wrap_nanosleep(const timespec* time, timespec* left) {
  forbid("nanosleep");
  return __real_nanosleep(time, left);
}
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* argument) {
  forbid("pthread_create");
  return __real_pthread_create(thread, attributes, run, argument);
}

// std::chrono's clocks and std::random_device, by their mangled names: they live in libstdc++.so.
std::chrono::steady_clock::rep __real__ZNSt6chrono3_V212steady_clock3nowEv();
std::chrono::steady_clock::rep __wrap__ZNSt6chrono3_V212steady_clock3nowEv() {
  forbid("std::chrono::steady_clock::now");
  return __real__ZNSt6chrono3_V212steady_clock3nowEv();
}
std::chrono::system_clock::rep __real__ZNSt6chrono3_V212system_clock3nowEv();
std::chrono::system_clock::rep __wrap__ZNSt6chrono3_V212system_clock3nowEv() {
  forbid("std::chrono::system_clock::now");
  return __real__ZNSt6chrono3_V212system_clock3nowEv();
}
unsigned __real__ZNSt13random_device9_M_getvalEv(std::random_device*);
unsigned __wrap__ZNSt13random_device9_M_getvalEv(std::random_device* device) {
  forbid("std::random_device");
  return __real__ZNSt13random_device9_M_getvalEv(device);
}
}  // extern "C"
