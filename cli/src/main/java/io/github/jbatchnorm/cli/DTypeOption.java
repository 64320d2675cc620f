package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.memory.DType;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** The dtypes that networks are trained with; parameters are f32 with each. */
final class DTypeOption {
  private static final Set<DType> ALLOWED = EnumSet.of(DType.F32, DType.BF16, DType.F16);

  private DTypeOption() {}

  /** Refuses others, none, and one twice. */
  static void check(List<DType> dtypes) throws UserException {
    boolean fits = ALLOWED.containsAll(dtypes) && Set.copyOf(dtypes).size() == dtypes.size();
    String got = dtypes.stream().map(DTypeOption::name).collect(Collectors.joining(","));
    UserException.unless(fits && !dtypes.isEmpty(), "--dtype", "f32, bf16 or f16", got);
  }

  static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
