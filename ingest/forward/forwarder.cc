#include "ingest/forward/forwarder.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "ingest/forward/lane.h"
#include "ingest/task_gate.h"

namespace tocsin::ingest {

struct Forwarder::Impl {
  Impl(const ForwardPorts& p, std::string agent) : ports(p), user_agent(std::move(agent)) {}

  const ForwardPorts ports;
  const std::string user_agent;
  TaskGate gate;
  std::mutex mutex;
  std::vector<std::shared_ptr<ForwardLane>> lanes;
};

Forwarder::Forwarder(const ForwardPorts& ports, std::string user_agent)
    : impl_(std::make_unique<Impl>(ports, std::move(user_agent))) {}

Forwarder::~Forwarder() {
  std::lock_guard lock(impl_->mutex);
  for (const auto& lane : impl_->lanes) lane->Stop();
  impl_->gate.Wait();
}

void Forwarder::Apply(const Labels& external_labels, const std::vector<ForwardConfig>& configs) {
  std::lock_guard lock(impl_->mutex);
  std::vector<std::shared_ptr<ForwardLane>> next;
  std::vector<std::shared_ptr<ForwardLane>> fresh;
  for (const ForwardConfig& config : configs) {
    if (!config.unavailable.empty()) continue;
    const auto it = std::find_if(impl_->lanes.begin(), impl_->lanes.end(), [&](const auto& lane) {
      return lane != nullptr && lane->config() == config &&
             lane->external_labels() == external_labels;
    });
    if (it != impl_->lanes.end()) {
      next.push_back(std::exchange(*it, nullptr));
      continue;
    }
    fresh.push_back(
        ForwardLane::Create(impl_->ports, impl_->gate, config, external_labels, impl_->user_agent));
    next.push_back(fresh.back());
  }
  for (const auto& lane : impl_->lanes) {
    if (lane != nullptr) lane->Stop();
  }
  // Only now: a lane of the same name has written its last position.
  impl_->lanes = std::move(next);
  for (const auto& lane : fresh) lane->Start();
}

}  // namespace tocsin::ingest
