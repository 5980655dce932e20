#include "audio/input_resampler.h"

#include <algorithm>
#include <array>

namespace koemorph {
namespace {

// The cubic through four samples one apart (Lagrange), `position` after the first.
float cubic(const std::array<float, 4>& y, double position) {
  const double a = position, b = a - 1.0, c = a - 2.0, d = a - 3.0;
  const double sum = 3.0 * a * d * (c * y[1] - b * y[2]) + b * c * (a * y[3] - d * y[0]);
  return static_cast<float>(sum / 6.0);
}

}  // namespace

struct InputResampler::Device {
  Device(int64_t at_position, int rate, int model_rate)
      : at(at_position), resample(rate, model_rate) {}
  ~Device() {
    // One by one: a long chain must not be destroyed by recursion.
    std::unique_ptr<Device> rest(next.load());
    while (rest != nullptr) rest.reset(rest->next.exchange(nullptr));
  }

  int64_t at;         // its first position
  int64_t begin = 0;  // the same in samples of the model's rate
  Resampler resample;
  std::atomic<Device*> next{nullptr};
};

InputResampler::InputResampler(int rate, int model_rate, int most) : model_rate_(model_rate), most_(most) {
  reset(rate);
}

InputResampler::~InputResampler() = default;

int InputResampler::rate() const { return newest_->resample.in_rate(); }

void InputResampler::reset(int rate) {
  if (now_ != nullptr && now_.get() == newest_ && now_->resample.in_rate() == rate) {
    now_->resample.reset();
    now_->at = now_->begin = 0;
  } else {
    auto fresh = std::make_unique<Device>(0, rate, model_rate_);
    output_.reserve(fresh->resample.max_output(most_));
    now_ = std::move(fresh);
  }
  newest_ = now_.get();
  latency_.store(now_->resample.latency());
  position_ = made_ = 0;
  forget();
  output_.clear();
}

void InputResampler::change(int64_t at, int rate) {
  auto* device = new Device(at, rate, model_rate_);
  latency_.store(device->resample.latency());
  newest_->next.store(device, std::memory_order_release);
  newest_ = device;
}

int64_t InputResampler::model_position() const {
  const int rate = now_->resample.in_rate();
  return now_->begin + round_divide((position_ - now_->at) * model_rate_, rate);
}

int64_t InputResampler::frames(const FrameClock& clock) const {
  const int64_t rate = now_->resample.in_rate();
  const int64_t samples = now_->begin * rate + (position_ - now_->at) * model_rate_;
  return round_divide(samples * clock.fps, rate * model_rate_);
}

int InputResampler::next_count(int64_t available) {
  for (;;) {
    const Device* next = now_->next.load(std::memory_order_acquire);
    if (next == nullptr || next->at > position_) {
      const int64_t end = next == nullptr ? available : std::min(available, next->at);
      return static_cast<int>(std::min<int64_t>(most_, end - position_));
    }
    move_on();
  }
}

void InputResampler::forget() {
  before_.reset();
  waiting_.clear();
  ready_.clear();
}

void InputResampler::move_on() {
  const int64_t begin = model_position();
  output_.reserve(now_->next.load(std::memory_order_acquire)->resample.max_output(most_));
  if (position_ > now_->at && before_ != nullptr) make_ready();
  // From here on nothing takes memory: the next device must not be lost for want of it.
  std::unique_ptr<Device> next(now_->next.exchange(nullptr));
  if (position_ > now_->at) {
    before_ = std::move(now_);
    taken_ = fed_ = 0;
  }
  now_ = std::move(next);
  now_->begin = begin;
}

// Takes the device before to its end, which the present one did not last for. What went out last
// may still be looked at, so the outputs wait; memory for them comes first.
void InputResampler::make_ready() {
  const auto missing = static_cast<size_t>(now_->begin - made_);
  ready_.reserve(ready_.size() + missing + before_->resample.max_output(1) + waiting_.size());
  output_.swap(ready_);
  while (before_ != nullptr) feed(last_);
  output_.swap(ready_);
}

// Fills the present device's past from the one before, whose last sample was followed by `first`.
void InputResampler::precede(float first) {
  const Resampler& old = before_->resample;
  const double step = static_cast<double>(old.in_rate()) / now_->resample.in_rate();
  const auto at = [&](int back) { return back == 0 ? first : old.heard(back - 1); };
  std::vector<float> past(now_->resample.taps() / 2);
  for (size_t i = 0; i < past.size(); ++i) {
    const double back = step * static_cast<double>(past.size() - i);
    const int from = std::clamp(static_cast<int>(back) - 1, 0, old.taps() - 3);
    past[i] = cubic({at(from), at(from + 1), at(from + 2), at(from + 3)}, back - from);
  }
  now_->resample.precede(past.data(), static_cast<int>(past.size()));
}

// Takes the device before through samples of the present one until it has no more outputs to give.
void InputResampler::lead_on(const float* in, int count) {
  if (taken_ == 0) precede(in[0]);
  if (made_ == now_->begin) end_before();
  const int64_t rate = now_->resample.in_rate();
  for (int i = 0; i < count && before_ != nullptr; ++i, ++taken_) {
    // Its own samples that lie after the last of these and not after this one.
    const int64_t old_rate = before_->resample.in_rate();
    for (; before_ != nullptr && fed_ * rate <= taken_ * old_rate; ++fed_) {
      const auto back = static_cast<float>(taken_ * old_rate - fed_ * rate);
      feed(in[i] + back / static_cast<float>(old_rate) * (last_ - in[i]));
    }
    last_ = in[i];
  }
}

// Gives the device before one more of its own samples.
void InputResampler::feed(float sample) {
  const size_t given = output_.size();
  output_.resize(given + before_->resample.max_output(1));
  const int64_t made = before_->resample.push(&sample, 1, output_.data() + given);
  const int64_t used = std::min(made, now_->begin - made_);
  output_.resize(given + static_cast<size_t>(used));
  made_ += used;
  if (made_ == now_->begin) end_before();
}

void InputResampler::end_before() {
  output_.insert(output_.end(), waiting_.begin(), waiting_.end());
  before_.reset();
  made_ += static_cast<int64_t>(waiting_.size());
  waiting_.clear();
}

void InputResampler::push(const float* in, int count, bool counted) {
  output_.assign(ready_.begin(), ready_.end());
  ready_.clear();
  if (before_ != nullptr) lead_on(in, count);
  std::vector<float>& out = before_ != nullptr ? waiting_ : output_;
  const size_t given = out.size();
  out.resize(given + now_->resample.max_output(count));
  const int made = now_->resample.push(in, count, out.data() + given);
  out.resize(given + made);
  if (before_ == nullptr) made_ += made;
  if (counted) position_ += count;
}

void InputResampler::skip(int64_t lost) {
  int64_t to = position_ + lost;
  for (const Device* next; (next = now_->next.load(std::memory_order_acquire)) != nullptr;) {
    if (next->at > to) break;
    position_ = next->at;
    before_.reset();
    move_on();
  }
  position_ = to;
  now_->resample.reset();
  forget();
  made_ = model_position();
}

}  // namespace koemorph
