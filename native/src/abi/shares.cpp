// The calls of the C ABI about a batch in shares.
#include "abi/arguments.hpp"

namespace {

using namespace jbn::abi;
using jbn::Cut;
using jbn::SharedBatch;

// Elements of 64 bits are summed with their errors, and are told of once more: around what, first.
bool is_wide(const jbn_forward_args& a) { return a.dtype == JBN_F64; }
bool is_wide(const jbn_backward_args& a) { return a.dtype == JBN_F64; }

int64_t arrays_of(const jbn_forward_args&) { return 1; }
int64_t arrays_of(const jbn_backward_args& a) { return 2 + (a.y != nullptr); }

bool is_together(const jbn_forward_args& a) {
  return !a.weights && !a.given && !a.given_mean && !a.given_var;
}
bool is_together(const jbn_backward_args& a) { return !a.weights && !a.given && !a.sums; }

int64_t state_bytes(const jbn_forward_args& a) { return (1 + 20 * a.c) * 8; }
int64_t state_bytes(const jbn_backward_args& a) { return 2 * a.c * 8; }

int sum_counts(const jbn_share_args& share, const Setting& set, int64_t* total) {
  *total = 0;
  for (int64_t i = 0; i < share.shares; i++) {
    if (share.counts[i] < 0 || share.counts[i] > kMostElements - *total) return JBN_BAD_SHARES;
    *total += share.counts[i];
  }
  const bool fits = share.counts[share.own] == set.shape.n && has_total(set, *total);
  return fits ? JBN_OK : JBN_BAD_SHARES;
}

// Reads and checks the arguments of a call about shares.
template <class Args>
int read_share(const Args* args, const jbn_share_args* from, Args* a, Setting* set,
               jbn_share_args* share, SharedBatch* batch) {
  int status = read(args, a, set);
  if (status == JBN_OK) status = read_args(from, share);
  if (status == JBN_OK && !is_together(*a)) status = JBN_NOT_TOGETHER;
  if (status != JBN_OK) return status;
  if (share->shares < 1 || share->own < 0 || share->own >= share->shares) return JBN_BAD_SHARES;
  if (share->shares > INT32_MAX) return JBN_BAD_SHARES;
  const int64_t longs = share->shares * static_cast<int64_t>(sizeof(int64_t));
  status = check({required(share->counts, longs, alignof(int64_t)),
                  required(share->state, state_bytes(*a), alignof(double)),
                  output(share->bytes, longs, alignof(int64_t)),
                  optional(share->message, 1, alignof(double)),
                  optional(share->messages, 1, alignof(double))});
  int64_t total = 0;
  if (status == JBN_OK) status = sum_counts(*share, *set, &total);
  if (status != JBN_OK) return status;
  const jbn::Plan plan = jbn::plan_of({total, a->c, a->s, a->layout == JBN_NHWC}, 0, 1, 1);
  const int64_t parts = is_wide(*a) ? 2 : 1, node = 2 * parts * plan.period * 8;
  *batch = {share->counts,    share->shares, share->own, total,
            plan.order.block, plan.period,   node,       a->c * a->s * set->element,
            arrays_of(*a),    set->threads};
  return JBN_OK;
}

// Probes, at first, of doubles.
bool is_probing(const jbn_forward_args& a, const jbn_share_args& share) {
  return is_wide(a) && share.state[0] == 0;
}
bool is_probing(const jbn_backward_args&, const jbn_share_args&) { return false; }

int64_t probe_bytes(const SharedBatch& batch, const Cut& cut, int64_t c, int64_t s) {
  int64_t count = 0;
  jbn::each_probe(batch.total * s, cut.first * s, (cut.end - cut.first) * s,
                  [&](int64_t) { count++; });
  return count * c * static_cast<int64_t>(sizeof(double));
}

template <class Args>
int sizes(const Args* args, const jbn_share_args* from) {
  Args a;
  Setting set;
  jbn_share_args share;
  SharedBatch batch;
  const int status = read_share(args, from, &a, &set, &share, &batch);
  if (status != JBN_OK) return status;
  if (!share.bytes) return JBN_NULL;
  for (int64_t i = 0, first = 0; i < batch.shares; i++) {
    const Cut cut = batch.cut(i, first);
    share.bytes[i] =
        is_probing(a, share) ? probe_bytes(batch, cut, a.c, a.s) : batch.message_bytes(cut);
    first = cut.end;
  }
  return JBN_OK;
}

template <class T>
bool write(const jbn::Calls<T>& calls, const Setting& set, const jbn_forward_args& a, double count,
           const SharedBatch& batch, const jbn_share_args& share) {
  return calls.write_forward(call_of<T>(set, a, count), batch, share.state,
                             static_cast<char*>(share.message));
}
template <class T>
bool write(const jbn::Calls<T>& calls, const Setting& set, const jbn_backward_args& a, double count,
           const SharedBatch& batch, const jbn_share_args& share) {
  return calls.write_backward(call_of<T>(set, a, count), batch, static_cast<char*>(share.message));
}
template <class T>
bool join(const jbn::Calls<T>& calls, const Setting& set, const jbn_forward_args& a, double count,
          const SharedBatch& batch, const jbn_share_args& share, bool* again) {
  return calls.read_forward(call_of<T>(set, a, count), batch, share.state,
                            static_cast<const char*>(share.messages), again);
}
template <class T>
bool join(const jbn::Calls<T>& calls, const Setting& set, const jbn_backward_args& a, double count,
          const SharedBatch& batch, const jbn_share_args& share, bool*) {
  return calls.read_backward(call_of<T>(set, a, count), batch, share.state,
                             static_cast<const char*>(share.messages));
}

// Calls body with the calls of a's dtype.
template <class Args, class Body>
bool of_dtype(const Args& a, const Setting& set, const Body& body) {
  const jbn::Kernel& kernel = *set.kernel;
  return a.dtype == JBN_F32    ? body(kernel.f32)
         : a.dtype == JBN_F64  ? body(kernel.f64)
         : a.dtype == JBN_BF16 ? body(kernel.bf16)
                               : body(kernel.f16);
}

template <class Args>
int write_share(const Args* args, const jbn_share_args* from) {
  const FloatEnvironment environment;
  Args a;
  Setting set;
  jbn_share_args share;
  SharedBatch batch;
  const int status = read_share(args, from, &a, &set, &share, &batch);
  if (status != JBN_OK) return status;
  if (!share.message) return JBN_NULL;
  const double count = static_cast<double>(batch.total * a.s);
  const bool done = of_dtype(
      a, set, [&](const auto& calls) { return write(calls, set, a, count, batch, share); });
  return done ? JBN_OK : JBN_NO_MEMORY;
}

template <class Args>
int join_shares(const Args* args, const jbn_share_args* from) {
  const FloatEnvironment environment;
  Args a;
  Setting set;
  jbn_share_args share;
  SharedBatch batch;
  const int status = read_share(args, from, &a, &set, &share, &batch);
  if (status != JBN_OK) return status;
  if (!share.messages) return JBN_NULL;
  const double count = static_cast<double>(batch.total * a.s);
  bool again = false;
  const bool done = of_dtype(
      a, set, [&](const auto& calls) { return join(calls, set, a, count, batch, share, &again); });
  return !done ? JBN_NO_MEMORY : again ? JBN_AGAIN : JBN_OK;
}

}  // namespace

extern "C" {

int jbn_forward_sizes(const jbn_forward_args* args, const jbn_share_args* share) {
  return sizes(args, share);
}
int jbn_forward_share(const jbn_forward_args* args, const jbn_share_args* share) {
  return write_share(args, share);
}
int jbn_forward_join(const jbn_forward_args* args, const jbn_share_args* share) {
  return join_shares(args, share);
}
int jbn_backward_sizes(const jbn_backward_args* args, const jbn_share_args* share) {
  return sizes(args, share);
}
int jbn_backward_share(const jbn_backward_args* args, const jbn_share_args* share) {
  return write_share(args, share);
}
int jbn_backward_join(const jbn_backward_args* args, const jbn_share_args* share) {
  return join_shares(args, share);
}

}  // extern "C"
