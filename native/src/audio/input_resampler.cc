#include "audio/input_resampler.h"

#include <algorithm>
#include <array>

namespace koemorph {
namespace {

// The cubic (Lagrange) through four equidistant samples, at `position` sample intervals after the
// first.
float cubic(const std::array<float, 4>& y, double position) {
  const double a = position, b = a - 1.0, c = a - 2.0, d = a - 3.0;
  const double sum = 3.0 * a * d * (c * y[1] - b * y[2]) + b * c * (a * y[3] - d * y[0]);
  return static_cast<float>(sum / 6.0);
}

}  // namespace

struct InputResampler::Segment {
  Segment(int64_t first_position, int rate, int model_rate)
      : start(first_position), resampler(rate, model_rate) {}
  ~Segment() {
    // Iterative: destroying a long list recursively could overflow the stack.
    std::unique_ptr<Segment> rest(next.load());
    while (rest != nullptr) rest.reset(rest->next.exchange(nullptr));
  }

  int64_t start;            // position of its first sample
  int64_t model_start = 0;  // the same in samples of the model rate
  Resampler resampler;
  std::atomic<Segment*> next{nullptr};
};

InputResampler::InputResampler(int sample_rate, int model_rate, int block_size)
    : model_rate_(model_rate), block_size_(block_size) {
  reset(sample_rate);
}

InputResampler::~InputResampler() = default;

int InputResampler::sample_rate() const { return newest_->resampler.in_rate(); }

void InputResampler::reset(int sample_rate) {
  if (current_ != nullptr && current_.get() == newest_ &&
      current_->resampler.in_rate() == sample_rate) {
    current_->resampler.reset();
    current_->start = current_->model_start = 0;
  } else {
    auto segment = std::make_unique<Segment>(0, sample_rate, model_rate_);
    output_.reserve(segment->resampler.max_output(block_size_));
    current_ = std::move(segment);
  }
  newest_ = current_.get();
  latency_.store(current_->resampler.latency());
  position_ = output_position_ = 0;
  drop_previous();
  output_.clear();
}

void InputResampler::set_sample_rate(int64_t at, int sample_rate) {
  auto* segment = new Segment(at, sample_rate, model_rate_);
  latency_.store(segment->resampler.latency());
  newest_->next.store(segment, std::memory_order_release);
  newest_ = segment;
}

int64_t InputResampler::model_position() const {
  const int rate = current_->resampler.in_rate();
  return current_->model_start + round_divide((position_ - current_->start) * model_rate_, rate);
}

int64_t InputResampler::frames(const FrameClock& clock) const {
  const int64_t rate = current_->resampler.in_rate();
  const int64_t samples =
      current_->model_start * rate + (position_ - current_->start) * model_rate_;
  return round_divide(samples * clock.fps, rate * model_rate_);
}

int InputResampler::next_count(int64_t available) {
  for (;;) {
    const Segment* next = current_->next.load(std::memory_order_acquire);
    if (next == nullptr || next->start > position_) {
      const int64_t end = next == nullptr ? available : std::min(available, next->start);
      return static_cast<int>(std::min<int64_t>(block_size_, end - position_));
    }
    next_segment();
  }
}

void InputResampler::drop_previous() {
  previous_.reset();
  pending_.clear();
  leftover_.clear();
}

void InputResampler::next_segment() {
  const int64_t model_start = model_position();
  const bool has_samples = position_ > current_->start;
  const Segment* following = current_->next.load(std::memory_order_acquire);
  output_.reserve(following->resampler.max_output(block_size_));
  if (has_samples && previous_ != nullptr) finish_previous_early();
  // Nothing allocates from here on: a failure must not lose the next segment.
  std::unique_ptr<Segment> next(current_->next.exchange(nullptr));
  if (has_samples) {
    previous_ = std::move(current_);
    current_fed_ = previous_fed_ = 0;
  }
  current_ = std::move(next);
  current_->model_start = model_start;
}

// Completes the previous segment when the current one was too short for it. Its outputs go to
// leftover_, because output_ may still be in use. Memory is allocated first.
void InputResampler::finish_previous_early() {
  const auto missing = static_cast<size_t>(current_->model_start - output_position_);
  leftover_.reserve(leftover_.size() + missing + previous_->resampler.max_output(1) +
                    pending_.size());
  output_.swap(leftover_);
  while (previous_ != nullptr) push_to_previous(last_fed_);
  output_.swap(leftover_);
}

// Fills the filter history of the current segment with samples of the previous one, interpolated at
// the current rate. `first` is the sample that follows them.
void InputResampler::fill_history(float first) {
  const Resampler& previous = previous_->resampler;
  const double step = static_cast<double>(previous.in_rate()) / current_->resampler.in_rate();
  const auto at = [&](int back) { return back == 0 ? first : previous.history(back - 1); };
  std::vector<float> history(current_->resampler.taps() / 2);
  for (size_t i = 0; i < history.size(); ++i) {
    const double back = step * static_cast<double>(history.size() - i);
    const int from = std::clamp(static_cast<int>(back) - 1, 0, previous.taps() - 3);
    history[i] = cubic({at(from), at(from + 1), at(from + 2), at(from + 3)}, back - from);
  }
  current_->resampler.push_history(history.data(), static_cast<int>(history.size()));
}

// Feeds samples of the current segment, linearly interpolated at the previous rate, to the previous
// segment until it has no more outputs to compute.
void InputResampler::feed_previous(const float* in, int count) {
  if (current_fed_ == 0) fill_history(in[0]);
  if (output_position_ == current_->model_start) end_previous();
  const int64_t rate = current_->resampler.in_rate();
  for (int i = 0; i < count && previous_ != nullptr; ++i, ++current_fed_) {
    const int64_t previous_rate = previous_->resampler.in_rate();
    // The samples at the previous rate between the last sample and this one.
    for (; previous_ != nullptr && previous_fed_ * rate <= current_fed_ * previous_rate;
         ++previous_fed_) {
      const auto back = static_cast<float>(current_fed_ * previous_rate - previous_fed_ * rate);
      push_to_previous(in[i] + back / static_cast<float>(previous_rate) * (last_fed_ - in[i]));
    }
    last_fed_ = in[i];
  }
}

void InputResampler::push_to_previous(float sample) {
  const size_t size = output_.size();
  output_.resize(size + previous_->resampler.max_output(1));
  const int64_t computed = previous_->resampler.push(&sample, 1, output_.data() + size);
  const int64_t used = std::min(computed, current_->model_start - output_position_);
  output_.resize(size + static_cast<size_t>(used));
  output_position_ += used;
  if (output_position_ == current_->model_start) end_previous();
}

void InputResampler::end_previous() {
  output_.insert(output_.end(), pending_.begin(), pending_.end());
  previous_.reset();
  output_position_ += static_cast<int64_t>(pending_.size());
  pending_.clear();
}

void InputResampler::push(const float* in, int count, bool counted) {
  output_.assign(leftover_.begin(), leftover_.end());
  leftover_.clear();
  if (previous_ != nullptr) feed_previous(in, count);
  std::vector<float>& out = previous_ != nullptr ? pending_ : output_;
  const size_t size = out.size();
  out.resize(size + current_->resampler.max_output(count));
  const int computed = current_->resampler.push(in, count, out.data() + size);
  out.resize(size + computed);
  if (previous_ == nullptr) output_position_ += computed;
  if (counted) position_ += count;
}

void InputResampler::skip(int64_t lost) {
  const int64_t end = position_ + lost;
  for (const Segment* next; (next = current_->next.load(std::memory_order_acquire)) != nullptr;) {
    if (next->start > end) break;
    position_ = next->start;
    previous_.reset();
    next_segment();
  }
  position_ = end;
  current_->resampler.reset();
  drop_previous();
  output_position_ = model_position();
}

}  // namespace koemorph
