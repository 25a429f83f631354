// What the broker knows of Kafka's property names: which act here, which are known and do nothing,
// and which must stop the start because ignoring them would expose or lose data.
#pragma once

#include <string_view>

namespace odradek::broker {

enum class PropertyKind : unsigned char {
  acts,       // obeyed
  idle,       // known, changes nothing here: named in one warning
  dangerous,  // security, policies, plug-ins: the start stops
  unknown,
};

// By exact name, or by a prefix where Kafka builds names ("ssl.", "listener.name.").
PropertyKind property_kind(std::string_view name);

}  // namespace odradek::broker
