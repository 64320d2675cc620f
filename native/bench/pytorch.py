#!/usr/bin/env python3
"""The kernel's forward and backward beside PyTorch's, in turn, for thread counts from 1 to all cores.

pytorch.py LIBRARY: libjbatchnorm_kernel.so.0. Needs PyTorch. Prints microseconds, medians: layout,
N, C, S, threads, our forward, theirs, our backward, theirs, and both ratios (above 1: ours is faster).
"""
import ctypes
import os
import statistics
import sys
import time

import torch

INTEGER, NUMBER, POINTER = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


def struct(integers, numbers, pointers, more=()):
    fields = [(name, INTEGER) for name in integers.split()]
    fields += [(name, NUMBER) for name in numbers.split()]
    fields += [(name, POINTER) for name in pointers.split()]
    return type("Arguments", (ctypes.Structure,), {"_fields_": fields + list(more)})


Forward = struct(
    "size dtype layout n c s exec invertible",
    "eps slope total_weight",
    "x z gamma beta given_mean given_var given weights y mean var saved",
)
Backward = struct(
    "size dtype layout n c s exec given inverted",
    "eps slope total_weight",
    "x dy y gamma beta saved weights dx dz dgamma dbeta sums",
    [("total", INTEGER)],
)


def median(call, repeats):
    times = []
    for i in range(-3, repeats):
        start = time.perf_counter()
        call()
        if i >= 0:
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def compare(library, layout, n, c, side, threads):
    s = side * side
    order = torch.channels_last if layout else torch.contiguous_format
    x, dy = (torch.randn(n, c, side, side).contiguous(memory_format=order) for _ in range(2))
    y, dx = torch.empty_like(x), torch.empty_like(x)
    gamma, beta, dgamma, dbeta = torch.rand(c) + 0.5, torch.randn(c), torch.empty(c), torch.empty(c)
    saved = torch.empty(4 * c, dtype=torch.float64)
    torch.set_num_threads(threads)
    sizes = {"layout": layout, "n": n, "c": c, "s": s, "exec": threads, "eps": 1e-5, "slope": 1}
    memory = {"x": x.data_ptr(), "gamma": gamma.data_ptr(), "saved": saved.data_ptr()}
    forward = Forward(size=ctypes.sizeof(Forward), beta=beta.data_ptr(), y=y.data_ptr(), **sizes, **memory)
    backward = Backward(
        size=ctypes.sizeof(Backward),
        dy=dy.data_ptr(),
        dx=dx.data_ptr(),
        dgamma=dgamma.data_ptr(),
        dbeta=dbeta.data_ptr(),
        **sizes,
        **memory,
    )

    def check(status):
        if status != 0:
            sys.exit(f"status {status}")

    theirs = torch.native_batch_norm(x, gamma, beta, None, None, True, 0.1, 1e-5)
    calls = (
        lambda: check(library.jbn_forward(ctypes.byref(forward))),
        lambda: torch.native_batch_norm(x, gamma, beta, None, None, True, 0.1, 1e-5),
        lambda: check(library.jbn_backward(ctypes.byref(backward))),
        lambda: torch.ops.aten.native_batch_norm_backward(
            dy, x, gamma, None, None, theirs[1], theirs[2], True, 1e-5, [True, True, True]
        ),
    )
    times = [median(call, 15 if n * c * s > 1e6 else 200) for call in calls]
    ratios = times[1] / times[0], times[3] / times[2]
    print("nhwc" if layout else "nchw", n, c, s, threads, *(f"{t:.1f}" for t in times), *(f"x{r:.2f}" for r in ratios))


def main():
    library = ctypes.CDLL(sys.argv[1])
    threads = 1
    while threads <= (os.cpu_count() or 1):
        for layout in (0, 1):
            for n, c, side in ((32, 64, 56), (32, 256, 28), (32, 512, 14), (32, 2048, 7), (8, 64, 16)):
                compare(library, layout, n, c, side, threads)
        threads *= 2


if __name__ == "__main__":
    main()
