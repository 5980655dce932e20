#include "devices.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace koemorph {

struct Devices::Device {
  Device(int64_t at_position, int rate, int model_rate)
      : at(at_position), resample(rate, model_rate) {}
  ~Device() {
    // One by one: a long chain must not be destroyed by recursion.
    std::unique_ptr<Device> rest(next.load());
    while (rest != nullptr) rest.reset(rest->next.exchange(nullptr));
  }

  int64_t at;         // its first position
  int64_t begin = 0;  // the same in samples of the model's rate
  int lead = 0;       // samples of silence before its own, so that the output begins early
  Resample resample;
  std::atomic<Device*> next{nullptr};
};

Devices::Devices(int rate, int model_rate, int most) : model_rate_(model_rate), most_(most) {
  reset(rate);
}

Devices::~Devices() = default;

void Devices::reset(int rate) {
  if (rate == 0) rate = newest_->resample.in_rate();
  if (now_ != nullptr && now_.get() == newest_ && now_->resample.in_rate() == rate) {
    now_->resample.reset();
    now_->at = now_->begin = 0;
    now_->lead = 0;
  } else {
    now_ = std::make_unique<Device>(0, rate, model_rate_);
    output_.resize(now_->resample.max_output(most_));
  }
  newest_ = now_.get();
  latency_.store(now_->resample.latency());
  position_ = made_ = drop_ = 0;
  rest_.clear();
  rest_at_ = 0;
  output_count_ = 0;
}

void Devices::change(int64_t at, int rate) {
  auto* device = new Device(at, rate, model_rate_);
  latency_.store(device->resample.latency());
  newest_->next.store(device, std::memory_order_release);
  newest_ = device;
}

int64_t Devices::model_position() const {
  const int rate = now_->resample.in_rate();
  return now_->begin + round_divide((position_ - now_->at) * model_rate_, rate);
}

int64_t Devices::frames(const FrameClock& clock) const {
  const int64_t rate = now_->resample.in_rate();
  const int64_t samples = now_->begin * rate + (position_ - now_->at) * model_rate_;
  return round_divide(samples * clock.fps, rate * model_rate_);
}

int Devices::next_count(int64_t available) {
  for (;;) {
    const Device* next = now_->next.load(std::memory_order_acquire);
    if (next == nullptr || next->at > position_) {
      const int64_t end = next == nullptr ? available : std::min(available, next->at);
      return static_cast<int>(std::min<int64_t>(most_, end - position_));
    }
    move_on();
  }
}

// What the present device's resampler still gives when silence follows, and what is left of the one
// before it.
std::vector<float> Devices::ring_out() {
  Resample& resample = now_->resample;
  const std::vector<float> silence(resample.taps());
  std::vector<float> rest(resample.max_output(resample.taps()));
  rest.resize(resample.taps() == 0 ? 0
                                   : resample.push(silence.data(), resample.taps(), rest.data()));
  rest.erase(rest.begin(), rest.begin() + std::min<int64_t>(drop_, rest.size()));
  const size_t left = rest_.size() - rest_at_;
  rest.resize(std::max(rest.size(), left));
  for (size_t i = 0; i < left; ++i) rest[i] += rest_[rest_at_ + i];
  return rest;
}

void Devices::move_on() {
  const bool used = position_ > now_->at;
  const int64_t begin = model_position();
  if (used) rest_ = ring_out();
  if (used) rest_at_ = 0;
  now_.reset(now_->next.exchange(nullptr));
  now_->begin = begin;
  // Its output begins where the one before has stopped, at a whole sample of both rates.
  const int rate = now_->resample.in_rate();
  const int common = std::gcd(rate, model_rate_);
  const int64_t cycle = model_rate_ / common;
  const int64_t cycles = (begin - made_ + cycle - 1) / cycle;
  now_->lead = static_cast<int>(cycles * (rate / common));
  drop_ = cycles * cycle - (begin - made_);
  output_.resize(now_->resample.max_output(now_->lead) + now_->resample.max_output(most_));
}

void Devices::append(const float* in, int count) {
  float* out = output_.data() + output_count_;
  int made = now_->resample.push(in, count, out);
  const auto dropped = static_cast<int>(std::min<int64_t>(drop_, made));
  std::copy(out + dropped, out + made, out);
  drop_ -= dropped;
  made -= dropped;
  for (int i = 0; i < made && rest_at_ < rest_.size(); ++i) out[i] += rest_[rest_at_++];
  made_ += made;
  output_count_ += made;
}

void Devices::push(const float* in, int count, bool counted) {
  output_count_ = 0;
  if (now_->lead > 0) {
    const std::vector<float> silence(now_->lead);
    append(silence.data(), now_->lead);
    now_->lead = 0;
  }
  append(in, count);
  if (counted) position_ += count;
}

void Devices::skip(int64_t lost) {
  int64_t to = position_ + lost;
  for (const Device* next; (next = now_->next.load(std::memory_order_acquire)) != nullptr;) {
    if (next->at > to) break;
    position_ = next->at;
    move_on();
  }
  position_ = to;
  now_->resample.reset();
  now_->lead = 0;
  drop_ = 0;
  rest_.clear();
  rest_at_ = 0;
  made_ = model_position();
}

}  // namespace koemorph
