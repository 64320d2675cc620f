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

// The arguments of a call about shares, read and checked.
template <class Args>
struct ShareCall {
  Args args;
  Setting setting;
  jbn_share_args share;
  SharedBatch batch;

  int read(const Args* from, const jbn_share_args* from_share) {
    int status = jbn::abi::read(from, &args, &setting);
    if (status == JBN_OK) status = read_args(from_share, &share);
    if (status == JBN_OK && !is_together(args)) status = JBN_NOT_TOGETHER;
    if (status != JBN_OK) return status;
    if (share.shares < 1 || share.own < 0 || share.own >= share.shares) return JBN_BAD_SHARES;
    if (share.shares > INT32_MAX) return JBN_BAD_SHARES;
    const int64_t longs = share.shares * static_cast<int64_t>(sizeof(int64_t));
    status = check({required(share.counts, longs, alignof(int64_t)),
                    required(share.state, state_bytes(args), alignof(double)),
                    output(share.bytes, longs, alignof(int64_t)),
                    optional(share.message, 1, alignof(double)),
                    optional(share.messages, 1, alignof(double))});
    int64_t total = 0;
    if (status == JBN_OK) status = sum_counts(share, setting, &total);
    if (status != JBN_OK) return status;
    const jbn::Shape whole = {total, args.c, args.s, args.layout == JBN_NHWC};
    const jbn::Plan plan = jbn::plan_of(whole, 0, 1, 1);
    const int64_t parts = is_wide(args) ? 2 : 1, node = 2 * parts * plan.period * 8;
    const int64_t sample = args.c * args.s * setting.element;
    batch = {share.counts, share.shares, share.own, total,           plan.order.block,
             plan.period,  node,         sample,    arrays_of(args), setting.threads};
    return JBN_OK;
  }
  double count() const { return static_cast<double>(batch.total * args.s); }
};

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
  ShareCall<Args> call;
  const int status = call.read(args, from);
  if (status != JBN_OK) return status;
  if (!call.share.bytes) return JBN_NULL;
  const Args& a = call.args;
  const bool probes = is_probing(a, call.share);
  for (int64_t i = 0, first = 0; i < call.batch.shares; i++) {
    const Cut cut = call.batch.cut(i, first);
    call.share.bytes[i] =
        probes ? probe_bytes(call.batch, cut, a.c, a.s) : call.batch.message_bytes(cut);
    first = cut.end;
  }
  return JBN_OK;
}

// Carries out a call by its dtype: body gets what the kernel offers for it, and the call's arguments.
template <class Args, class Body>
bool carry_out(const ShareCall<Args>& call, const Body& body) {
  const jbn::Kernel& kernel = *call.setting.kernel;
  switch (call.args.dtype) {
    case JBN_F32:
      return body(kernel.f32, call_of<float>(call.setting, call.args, call.count()));
    case JBN_F64:
      return body(kernel.f64, call_of<double>(call.setting, call.args, call.count()));
    case JBN_BF16:
      return body(kernel.bf16, call_of<jbn::Bf16>(call.setting, call.args, call.count()));
    default:
      return body(kernel.f16, call_of<jbn::F16>(call.setting, call.args, call.count()));
  }
}

template <class T>
bool write(const jbn::Calls<T>& calls, const jbn::ForwardCall<T>& call, const SharedBatch& batch,
           const jbn_share_args& share) {
  return calls.write_forward(call, batch, share.state, static_cast<char*>(share.message));
}
template <class T>
bool write(const jbn::Calls<T>& calls, const jbn::BackwardCall<T>& call, const SharedBatch& batch,
           const jbn_share_args& share) {
  return calls.write_backward(call, batch, static_cast<char*>(share.message));
}
template <class T>
bool join(const jbn::Calls<T>& calls, const jbn::ForwardCall<T>& call, const SharedBatch& batch,
          const jbn_share_args& share, bool* again) {
  const char* const messages = static_cast<const char*>(share.messages);
  return calls.read_forward(call, batch, share.state, messages, again);
}
template <class T>
bool join(const jbn::Calls<T>& calls, const jbn::BackwardCall<T>& call, const SharedBatch& batch,
          const jbn_share_args& share, bool*) {
  const char* const messages = static_cast<const char*>(share.messages);
  return calls.read_backward(call, batch, share.state, messages);
}

template <class Args>
int write_share(const Args* args, const jbn_share_args* from) {
  const FloatEnvironment environment;
  ShareCall<Args> own;
  const int status = own.read(args, from);
  if (status != JBN_OK) return status;
  if (!own.share.message) return JBN_NULL;
  const bool done = carry_out(own, [&](const auto& calls, const auto& call) {
    return write(calls, call, own.batch, own.share);
  });
  return done ? JBN_OK : JBN_NO_MEMORY;
}

template <class Args>
int join_shares(const Args* args, const jbn_share_args* from) {
  const FloatEnvironment environment;
  ShareCall<Args> own;
  const int status = own.read(args, from);
  if (status != JBN_OK) return status;
  if (!own.share.messages) return JBN_NULL;
  bool again = false;
  const bool done = carry_out(own, [&](const auto& calls, const auto& call) {
    return join(calls, call, own.batch, own.share, &again);
  });
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
