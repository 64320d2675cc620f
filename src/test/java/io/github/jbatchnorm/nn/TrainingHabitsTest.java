package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Optimizers' numbers, rates by group, and schedules that look at the loss. */
class TrainingHabitsTest {
  private static final double[] GRADS = {3, -1, 0.5, 4};

  private static double trained(Maker maker) {
    Tensor p = Tensor.of(new double[] {1});
    Optimizer optimizer = maker.make(Map.of("p", p));
    for (double g : GRADS) {
      p.multiply(g).backward();
      optimizer.step();
    }
    return p.item();
  }

  /** Makes an optimizer of parameters. */
  private interface Maker {
    Optimizer make(Map<String, Tensor> parameters);
  }

  @Test
  void adamWithItsBetasAndEps() {
    double p = 1;
    double m = 0;
    double v = 0;
    for (int t = 1; t <= GRADS.length; t++) {
      double g = GRADS[t - 1];
      m = 0.8 * m + 0.2 * g;
      v = 0.95 * v + 0.05 * g * g;
      double first = m / (1 - Math.pow(0.8, t));
      double second = v / (1 - Math.pow(0.95, t));
      p -= 0.1 * first / (Math.sqrt(second) + 0.5);
    }
    assertThat(trained(all -> Adam.builder(all, 0.1).betas(0.8, 0.95).eps(0.5).build()))
        .isCloseTo(p, within(1e-14));
  }

  @Test
  void rmsPropWithItsAlphaAndEps() {
    double p = 1;
    double average = 0;
    double velocity = 0;
    for (double g : GRADS) {
      average = 0.9 * average + 0.1 * g * g;
      velocity = 0.5 * velocity + g / (Math.sqrt(average) + 0.25);
      p -= 0.1 * velocity;
    }
    assertThat(trained(all -> RmsProp.builder(all, 0.1).alpha(0.9).eps(0.25).momentum(0.5).build()))
        .isCloseTo(p, within(1e-14));
  }

  @Test
  void buildersBeginWithTheUsualNumbers() {
    WeightDecay decay = WeightDecay.ofAll(0.5);
    assertThat(trained(all -> Adam.builder(all, 0.1).build()))
        .isEqualTo(trained(all -> new Adam(all, 0.1)))
        .isEqualTo(trained(all -> Adam.builder(all, 0.1).betas(0.9, 0.999).eps(1e-8).build()));
    assertThat(trained(all -> Adam.builder(all, 0.1).decoupledDecay(decay).decay(decay).build()))
        .isEqualTo(trained(all -> Adam.withDecay(all, 0.1, decay)));
    assertThat(trained(all -> Adam.builder(all, 0.1).decoupledDecay(decay).build()))
        .isEqualTo(trained(all -> Adam.decoupled(all, 0.1, decay)));
    assertThat(trained(all -> RmsProp.builder(all, 0.1).decay(decay).build()))
        .isEqualTo(trained(all -> new RmsProp(all, 0.1, 0, decay)))
        .isEqualTo(trained(all -> RmsProp.builder(all, 0.1).alpha(0.99).decay(decay).build()));
  }

  @Test
  void numbersOfBuildersAreRefusedByName() {
    Adam.Builder adam = Adam.builder(Map.of(), 0.1);
    assertThatThrownBy(() -> adam.betas(1, 0.9))
        .hasMessage("beta1: expected 0 or more and less than 1, got 1.0");
    assertThatThrownBy(() -> adam.betas(0.9, Double.NaN)).hasMessageStartingWith("beta2: ");
    assertThatThrownBy(() -> adam.eps(0)).hasMessageStartingWith("eps: ");
    assertThatThrownBy(() -> adam.decay(null)).hasMessage("decay");
    assertThatThrownBy(() -> Adam.builder(Map.of(), 0)).hasMessageStartingWith("learningRate: ");
    RmsProp.Builder rms = RmsProp.builder(Map.of(), 0.1);
    assertThatThrownBy(() -> rms.alpha(-0.1)).hasMessageStartingWith("alpha: ");
    assertThatThrownBy(() -> rms.eps(Double.POSITIVE_INFINITY)).hasMessageStartingWith("eps: ");
    assertThatThrownBy(() -> rms.momentum(1)).hasMessageStartingWith("momentum: ");
    assertThatThrownBy(() -> RmsProp.builder(null, 1)).hasMessage("parameters");
  }

  private static Map<String, Tensor> two() {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    parameters.put("body.weight", Tensor.of(new double[] {1}));
    parameters.put("head.weight", Tensor.of(new double[] {1}));
    return parameters;
  }

  private static void step(Map<String, Tensor> parameters, Optimizer optimizer) {
    parameters.values().forEach(p -> p.multiply(2).backward());
    optimizer.step();
  }

  @Test
  void groupsHaveTheirRatesWhateverTheSchedule() {
    List<Maker> makers =
        List.of(
            all -> new Sgd(all, 0.5, 0.9),
            all -> Adam.decoupled(all, 0.5, WeightDecay.ofAll(0.1)),
            all -> RmsProp.builder(all, 0.5).build());
    for (Maker maker : makers) {
      Map<String, Tensor> grouped = two();
      Optimizer optimizer = maker.make(grouped);
      optimizer.rateFactors((name, p) -> name.startsWith("head.") ? 1 : 0.25);
      Map<String, Tensor> slow = two();
      Optimizer slower = maker.make(slow);
      Map<String, Tensor> fast = two();
      Optimizer faster = maker.make(fast);
      for (double rate : new double[] {0.5, 0.125}) {
        optimizer.learningRate(rate);
        slower.learningRate(rate * 0.25);
        faster.learningRate(rate);
        step(grouped, optimizer);
        step(slow, slower);
        step(fast, faster);
      }
      assertThat(grouped.get("body.weight").item()).isEqualTo(slow.get("body.weight").item());
      assertThat(grouped.get("head.weight").item())
          .isEqualTo(fast.get("head.weight").item())
          .isNotEqualTo(slow.get("head.weight").item());
    }
  }

  @Test
  void factorsOutOfRangeAreRefusedAndChangeNothing() {
    Map<String, Tensor> parameters = two();
    Sgd sgd = new Sgd(parameters, 0.5, 0);
    sgd.rateFactors((name, p) -> 0.5);
    assertThatThrownBy(() -> sgd.rateFactors((name, p) -> name.startsWith("head.") ? 0 : 1))
        .hasMessage("factors: head.weight: expected a finite value of more than 0, got 0.0");
    assertThatThrownBy(() -> sgd.rateFactors(null)).hasMessage("factors");
    step(parameters, sgd);
    assertThat(parameters.get("body.weight").item()).isEqualTo(1 - 0.25 * 2);
  }

  @Test
  void oneCycleRisesAndFallsAlongCosines() {
    Schedule cycle = Schedule.oneCycle(0.2, 1, 0, 0.3, 10); // peak at step 2
    double[] expected = {0.2, 0.6, 1};
    for (int step = 0; step < 3; step++) {
      assertThat(cycle.rate(step)).isCloseTo(expected[step], within(1e-15));
    }
    for (int step = 3; step < 10; step++) {
      double share = (step - 2) / 7.0;
      assertThat(cycle.rate(step)).isCloseTo((1 + Math.cos(Math.PI * share)) / 2, within(1e-15));
    }
    assertThat(cycle.rate(1000)).isEqualTo(cycle.rate(9));
    Schedule usual = Schedule.oneCycle(1, 100);
    assertThat(usual.rate(0)).isCloseTo(0.04, within(1e-15));
    assertThat(usual.rate(29)).isCloseTo(1, within(1e-15));
    assertThat(usual.rate(99)).isCloseTo(4e-6, within(1e-15));
    Schedule between = Schedule.oneCycle(0, 1, 0, 0.35, 10); // peak at 2.5
    assertThat(between.rate(2)).isCloseTo((1 - Math.cos(Math.PI * 0.8)) / 2, within(1e-15));
    assertThat(between.rate(3)).isCloseTo((1 + Math.cos(Math.PI / 13)) / 2, within(1e-15));
  }

  @Test
  void cyclesOutOfRangeAreRefused() {
    assertThatThrownBy(() -> Schedule.oneCycle(1, 3))
        .hasMessage("steps: expected 4 or more, got 3");
    assertThatThrownBy(() -> Schedule.oneCycle(0, 1, 0, 0.9, 1))
        .hasMessage("steps: expected 2 or more, got 1");
    for (double bad : new double[] {0.1, 1, Double.NaN}) {
      assertThatThrownBy(() -> Schedule.oneCycle(0, 1, 0, bad, 10))
          .hasMessage("rising: expected more than 1/10 (steps) and less than 1, got " + bad);
    }
  }

  @Test
  void plateausReduceTheRateAfterPatience() {
    ReduceOnPlateau plateau = new ReduceOnPlateau(0.8, 0.5, 2, 0.125, 0.15);
    double[] losses = {5, 4, 4, 3.875, 9, 4, Double.NaN, 4, 3, 3, 3, 3, 3, 3, 3};
    double[] rates = {
      0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.15, 0.15, 0.15, 0.15
    };
    for (int epoch = 0; epoch < losses.length; epoch++) {
      assertThat(plateau.after(losses[epoch])).as("epoch %s", epoch).isEqualTo(rates[epoch]);
    }
    assertThat(plateau.rate()).isEqualTo(0.15);
  }

  @Test
  void stoppingEndsAfterPatienceAndKnowsTheBest() {
    EarlyStopping stopping = new EarlyStopping(1, 0);
    assertThat(stopping.best()).isInfinite();
    List<Boolean> gains = new ArrayList<>();
    List<Boolean> over = new ArrayList<>();
    for (double loss : new double[] {3, 3, 2, Double.NaN, 2, 1}) {
      gains.add(stopping.observe(loss));
      over.add(stopping.isOver());
    }
    assertThat(gains).containsExactly(true, false, true, false, false, true);
    assertThat(over).containsExactly(false, false, false, false, true, false);
    assertThat(stopping.best()).isEqualTo(1);
  }

  @Test
  void bothGoOnFromAFile() {
    AtomicReference<ReduceOnPlateau> plateau = new AtomicReference<>();
    MemoryScope.run(() -> plateau.set(new ReduceOnPlateau(1, 0.5, 1, 0, 0.1)));
    EarlyStopping stopping = new EarlyStopping(1, 0);
    for (double loss : new double[] {3, 3, 3, 4}) {
      plateau.get().after(loss);
    }
    stopping.observe(3);
    stopping.observe(3);
    ReduceOnPlateau later = new ReduceOnPlateau(1, 0.5, 1, 0, 0.1);
    StateFile.load(StateFile.save(plateau.get()::visit), later::visit);
    EarlyStopping resumed = new EarlyStopping(1, 0);
    StateFile.load(StateFile.save(stopping::visit), resumed::visit);
    assertThat(later.rate()).isEqualTo(0.5);
    assertThat(later.after(3)).isEqualTo(0.25).isEqualTo(plateau.get().after(3));
    assertThat(resumed.observe(3)).isFalse();
    assertThat(resumed.isOver()).isTrue();
    assertThat(resumed.best()).isEqualTo(3);
  }

  @Test
  void numbersOfPlateausAreRefusedByName() {
    assertThatThrownBy(() -> new EarlyStopping(-1, 0))
        .hasMessage("patience: expected 0 or more, got -1");
    assertThatThrownBy(() -> new EarlyStopping(1, Double.NaN))
        .hasMessage("leastGain: expected a finite value of 0 or more, got NaN");
    assertThatThrownBy(() -> new ReduceOnPlateau(0, 0.5, 1, 0, 1)).hasMessageStartingWith("rate:");
    assertThatThrownBy(() -> new ReduceOnPlateau(1, 1, 1, 0, 1)).hasMessageStartingWith("factor:");
    assertThatThrownBy(() -> new ReduceOnPlateau(1, 0, 1, 0, 1)).hasMessageStartingWith("factor:");
    assertThatThrownBy(() -> new ReduceOnPlateau(1, 0.5, 1, 0, 2))
        .hasMessage("least: expected at most 1.0 (rate), got 2.0");
  }
}
