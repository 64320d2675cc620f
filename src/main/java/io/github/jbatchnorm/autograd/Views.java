package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A tensor, the base, and those that share its memory as parts of it: reshaped, or slices that lie
 * together. An operation in place on one of them changes them all, as MyGrad's views: the base has
 * the new values among its old ones, in memory of its own, and each view is taken from it anew.
 * What was computed before keeps the old values.
 */
final class Views {
  private final WeakReference<Tensor> base;
  private final Storage storage; // the base's
  private final int[] shape;
  private final List<WeakReference<Tensor>> views = new ArrayList<>();
  private int room = 8;

  private Views(Tensor base) {
    this.base = new WeakReference<>(base);
    this.storage = base.storage();
    this.shape = base.axes();
  }

  /**
   * Returns {@code view}, and notes that it is a view of {@code x} where operations are recorded
   * and it shares its memory.
   *
   * @param from where it begins in x
   */
  static Tensor viewed(Tensor x, Tensor view, int from) {
    if (NoAutodiff.isRecording() && view.node().sharesMemoryWith(x.node())) {
      if (x.node().views == null) {
        x.node().views = new Views(x);
      }
      x.node().views.add(view, x.node().from + from);
    }
    return view;
  }

  private void add(Tensor view, int from) {
    if (views.size() == room) {
      views.removeIf(each -> each.refersTo(null));
      room = 2 * views.size() + 8;
    }
    view.node().views = this;
    view.node().from = from;
    views.add(new WeakReference<>(view));
  }

  /** Returns the views that someone still has. */
  private List<Tensor> live() {
    return views.stream()
        .map(WeakReference::get)
        .filter(Objects::nonNull)
        .filter(view -> view.node().views == this)
        .toList();
  }

  /**
   * Makes a tensor the result of an operation in place, and takes its base and the other views with
   * it. Without recording the result is written to the memory that they share.
   *
   * @param result of x's shape and dtype, in memory that no other tensor has
   * @return x
   */
  static Tensor write(Tensor x, Tensor result) {
    if (!NoAutodiff.isRecording()) {
      x.update(storage -> storage.copyFrom(result.storage()));
    } else if (x.node().views == null) {
      x.become(result.node());
    } else {
      x.node().views.replace(x, result);
    }
    return x;
  }

  private void replace(Tensor x, Tensor result) {
    List<Tensor> old = live();
    Tensor whole = base.get();
    if (whole == null) { // its graph is cleared, and no one has it: the views are leaves
      whole = new Tensor(Node.of(storage, x.isConstant(), shape));
    }
    Tensor changed = x == whole ? result : among(whole, x.node().from, result);
    whole.become(changed.node());
    Views next = new Views(whole);
    whole.node().views = next;
    for (Tensor view : old) {
      int[] axes = view.axes();
      int from = view.node().from;
      view.become(new Slice(whole, from, axes, Shapes.strides(axes)).apply().node());
      next.add(view, from);
    }
  }

  /** Returns the base with the part that begins there replaced. */
  private static Tensor among(Tensor base, int from, Tensor part) {
    if (part.size() == base.size()) {
      return new Shaping.Reshape(part, base.shape()).apply();
    }
    int end = from + part.size();
    return new Shaping.Reshape(
            Concatenate.of(
                0,
                List.of(
                    flat(base, 0, from),
                    new Shaping.Reshape(part, part.size()).apply(),
                    flat(base, end, base.size() - end))),
            base.shape())
        .apply();
  }

  private static Tensor flat(Tensor base, int from, int size) {
    return new Slice(base, from, new int[] {size}, new int[] {1}).apply();
  }
}
