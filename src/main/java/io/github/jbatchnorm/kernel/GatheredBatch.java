package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The Java kernel's way with a share of a batch: it has all of the batch sent to every rank, and
 * makes the call on that. Plain, and what the native kernel's messages are tested against; as much
 * is sent as there is.
 */
final class GatheredBatch {
  private final JavaKernel kernel;
  private final Shared shared;
  private final BatchNormShape own;
  private final BatchNormShape whole;

  GatheredBatch(JavaKernel kernel, Shared shared, BatchNormShape own) {
    this.kernel = kernel;
    this.shared = shared;
    this.own = own;
    int n = Math.toIntExact(shared.total());
    whole = new BatchNormShape(own.dtype(), own.layout(), n, own.c(), own.s());
  }

  private Storage gathered(Storage share) {
    long row = (long) own.c() * own.s() * own.dtype().bytes();
    int[] lengths =
        Arrays.stream(shared.counts())
            .mapToInt(count -> Math.toIntExact(Math.multiplyExact(count, row)))
            .toArray();
    Storage all = Storage.uninitialized(own.dtype(), whole.size());
    shared.ranks().allGather(share.bytes(), lengths, all.bytes());
    return all;
  }

  private @Nullable Storage room(@Nullable Storage share) {
    return share == null ? null : Storage.uninitialized(own.dtype(), whole.size());
  }

  private void put(@Nullable Storage all, @Nullable Storage share) {
    if (all != null && share != null) {
      share.copy(all, (int) shared.first() * own.c() * own.s(), 0, own.size());
    }
  }

  void forward(ForwardArguments a) {
    Storage saved = a.savedRoom();
    kernel.forward(
        new ForwardArguments(whole, a.eps, a.slope, gathered(a.x))
            .mean(a.mean)
            .var(a.var)
            .saved(saved));
    kernel.forward(a.applied(saved));
  }

  void backward(BackwardArguments a) {
    Storage dx = room(a.dx);
    Storage dz = room(a.dz);
    BackwardArguments all =
        new BackwardArguments(whole, a.eps, a.slope, gathered(a.x), gathered(a.dy), a.saved)
            .y(a.y == null ? null : gathered(a.y))
            .gamma(a.gamma)
            .beta(a.beta)
            .dx(dx)
            .dz(dz)
            .dGamma(a.dGamma)
            .dBeta(a.dBeta);
    kernel.backward(a.inverted ? all.inverted() : all);
    put(dx, a.dx);
    put(dz, a.dz);
  }
}
