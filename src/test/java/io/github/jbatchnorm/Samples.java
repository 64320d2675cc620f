package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.batchnorm.ExactMoments;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.kernel.LocalRanks;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.ConvTranspose;
import io.github.jbatchnorm.nn.DataParallel;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Dropout;
import io.github.jbatchnorm.nn.EarlyStopping;
import io.github.jbatchnorm.nn.Embedding;
import io.github.jbatchnorm.nn.GroupNorm;
import io.github.jbatchnorm.nn.Initializer;
import io.github.jbatchnorm.nn.InstanceNorm;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.LayerNorm;
import io.github.jbatchnorm.nn.LossScale;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Recalibration;
import io.github.jbatchnorm.nn.ReduceOnPlateau;
import io.github.jbatchnorm.nn.RmsProp;
import io.github.jbatchnorm.nn.Schedule;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.TrainingState;
import io.github.jbatchnorm.nn.Upsample;
import io.github.jbatchnorm.nn.WeightDecay;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.data.ImageSet;
import io.github.jbatchnorm.nn.data.SampleStream;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.io.Safetensors;
import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.nn.models.ResidualBlock;
import io.github.jbatchnorm.platform.Reading;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/** A valid argument of each type that the library's public methods take. */
final class Samples {
  private static final Map<Class<?>, Supplier<Object>> SAMPLES = new HashMap<>();

  private Samples() {}

  private static <T> void put(Class<T> type, Supplier<? extends T> sample) {
    SAMPLES.put(type, sample::get);
  }

  static {
    numbers();
    tensors();
    layers();
    data();
  }

  private static void numbers() {
    put(boolean.class, () -> false);
    put(int.class, () -> 1);
    put(long.class, () -> 1L);
    put(double.class, () -> 0.5);
    put(Integer.class, () -> 1);
    put(String.class, () -> "i->i");
    put(Object.class, Object::new);
    put(byte[].class, () -> new byte[1]);
    put(boolean[].class, () -> new boolean[8]);
    put(int[].class, () -> new int[] {1});
    put(long[].class, () -> new long[] {1});
    put(float[].class, () -> new float[] {1});
    put(double[].class, () -> new double[] {1});
    put(Object[].class, () -> new double[][] {{1}});
    put(List.class, List::of);
    put(Map.class, Map::of);
    put(Iterable.class, List::of);
    put(Collection.class, List::of);
    put(Path.class, () -> Path.of("no such folder", "no such file"));
    put(ByteBuffer.class, () -> ByteBuffer.allocate(4));
    put(RandomGenerator.class, () -> new SplittableRandom(1));
    put(UnaryOperator.class, UnaryOperator::identity);
    put(Function.class, () -> Function.identity());
    put(BiFunction.class, () -> (BiFunction<Object, Object, Object>) (a, b) -> a);
    put(Supplier.class, () -> () -> "");
    put(Consumer.class, () -> ignored -> {});
    put(BiConsumer.class, () -> (a, b) -> {});
    put(BiPredicate.class, () -> (a, b) -> true);
  }

  private static Tensor tensor() {
    return Tensor.of(new double[] {1, 2, 3, 4, 5, 6, 7, 9}, 2, 2, 2);
  }

  private static void tensors() {
    put(Tensor.class, Samples::tensor);
    put(Tensor[].class, () -> new Tensor[] {tensor()});
    put(Index[].class, () -> new Index[] {Index.at(0)});
    put(DType.class, () -> DType.F32);
    put(Layout.class, () -> Layout.NCHW);
    put(Storage.class, () -> Storage.allocate(DType.F32, 1));
    put(BatchNormOptions.class, () -> BatchNormOptions.DEFAULT);
    put(ConvOptions.class, () -> ConvOptions.DEFAULT);
    put(BatchNormBuilder.class, () -> BatchNormOp.on(tensor()));
  }

  private static void layers() {
    put(Mode.class, () -> Mode.EVALUATION);
    put(Layer.class, () -> (x, mode) -> x);
    put(Initializer.class, Initializer::heNormal);
    put(WeightDecay.class, () -> WeightDecay.NONE);
    put(Schedule.class, () -> Schedule.constant(1));
    put(Adam.class, () -> new Adam(Map.of(), 1));
    put(Adam.Builder.class, () -> Adam.builder(Map.of(), 1));
    put(RmsProp.Builder.class, () -> RmsProp.builder(Map.of(), 1));
    put(ReduceOnPlateau.class, () -> new ReduceOnPlateau(1, 0.5, 1, 0, 0.5));
    put(LossScale.class, LossScale::new);
    put(TrainingState.class, () -> new TrainingState(1));
    put(EarlyStopping.class, () -> new EarlyStopping(1, 0));
    put(Communicator.class, LocalRanks::alone);
    put(DataParallel.class, () -> new DataParallel(new BatchNorm(2, 0.1), LocalRanks.alone()));
    put(BatchNorm.class, () -> new BatchNorm(2, 0.1));
    put(ExactMoments.class, () -> ExactMoments.none(DType.F32, 2));
    put(Recalibration.class, () -> new Recalibration(new BatchNorm(2, 0.1)));
    put(Recalibration.Part.class, () -> new Recalibration(new BatchNorm(2, 0.1)).part());
    put(BatchNorm.Builder.class, () -> BatchNorm.builder(2));
    put(Conv.class, () -> Conv.builder(2, 1, 1).build(new SplittableRandom(1)));
    put(Conv.Builder.class, () -> Conv.builder(2, 1, 1));
    put(ConvTranspose.class, () -> ConvTranspose.builder(2, 1, 1).build(new SplittableRandom(1)));
    put(ConvTranspose.Builder.class, () -> ConvTranspose.builder(2, 1, 1));
    put(GroupNorm.class, () -> GroupNorm.builder(1, 2).build());
    put(GroupNorm.Builder.class, () -> GroupNorm.builder(1, 2));
    put(InstanceNorm.class, () -> InstanceNorm.builder(2).build());
    put(InstanceNorm.Builder.class, () -> InstanceNorm.builder(2));
    put(LayerNorm.class, () -> LayerNorm.builder(2).build());
    put(LayerNorm.Builder.class, () -> LayerNorm.builder(2));
    put(Embedding.class, () -> new Embedding(10, 2, new SplittableRandom(1)));
    put(Upsample.class, () -> Upsample.nearest(2));
    put(Dense.class, () -> new Dense(2, 1, new SplittableRandom(1)));
    put(Dropout.class, () -> new Dropout(0.5, 1));
    put(ResidualBlock.class, () -> new ResidualBlock(2, 2, 1, new SplittableRandom(1)));
    put(Sequential.class, () -> Sequential.builder().build());
    put(Sequential.Builder.class, Sequential::builder);
    put(StateVisitor.class, Visitor::new);
    put(StateFile.Allowed[].class, () -> new StateFile.Allowed[0]);
  }

  private static final class Visitor implements StateVisitor {
    @Override
    public void parameter(String name, Tensor parameter) {}

    @Override
    public void statistic(String name, Tensor statistic) {}

    @Override
    public void count(String name, AtomicLong count) {}
  }

  private static void data() {
    put(ImageSet.class, () -> ImageSet.draw(1, 1));
    put(ColorImages.class, () -> ColorImages.draw(1, 1));
    put(CifarFiles.Labels.class, () -> CifarFiles.Labels.FINE);
    put(BatchSource.class, Source::new);
    put(SampleStream.class, () -> SampleStream.of(List.of(1)));
    put(Stored.Type.class, () -> Stored.Type.F32);
    put(Stored.class, () -> Stored.count(1));
    SAMPLES.put(Reading.Reader.class, () -> (Reading.Reader<String>) () -> "contents");
    put(Safetensors.class, () -> new Safetensors(Map.of(), Map.of()));
  }

  private static final class Source implements BatchSource {
    @Override
    public int count() {
      return 0;
    }

    @Override
    public Batch batch(int index) {
      throw new IndexOutOfBoundsException(index);
    }
  }

  static Object of(Class<?> type) {
    for (Map.Entry<Class<?>, Supplier<Object>> sample : SAMPLES.entrySet()) {
      if (sample.getKey() == type) {
        return sample.getValue().get();
      }
    }
    if (type.isInterface() && type.isAssignableFrom(Tensor.class)) {
      return tensor();
    }
    assertThat(type).as("a sample of this type is missing here").isNull();
    return type;
  }
}
