package io.github.jbatchnorm.jmh;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The benchmark's networks in DL4J. */
final class Dl4jNetworks {
  private final GraphBuilder graph =
      new NeuralNetConfiguration.Builder()
          .updater(new Nesterovs(NetworkBenchmark.RATE, NetworkBenchmark.MOMENTUM))
          .graphBuilder()
          .addInputs("x");
  private String last = "x";
  private int layers;

  private Dl4jNetworks() {}

  static NetworkBenchmark.Step create(NetworkBenchmark.Network of, int threads) {
    Nd4j.getEnvironment().setMaxThreads(threads);
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    Dl4jNetworks networks = new Dl4jNetworks();
    if (of == NetworkBenchmark.Network.DEMO) {
      networks.demo();
    } else {
      networks.resNet20();
    }
    ComputationGraph network = networks.build(of);
    return (pixels, labels) -> {
      INDArray x =
          Nd4j.createFromArray(pixels).reshape(labels.length, of.channels, of.side, of.side);
      INDArray y = Nd4j.zeros(labels.length, NetworkBenchmark.CLASSES);
      for (int i = 0; i < labels.length; i++) {
        y.putScalar(i, labels[i], 1);
      }
      network.fit(new DataSet(x, y));
    };
  }

  private ComputationGraph build(NetworkBenchmark.Network of) {
    OutputLayer scores =
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(NetworkBenchmark.CLASSES)
            .activation(Activation.SOFTMAX)
            .build();
    graph
        .addLayer("scores", scores, last)
        .setOutputs("scores")
        .setInputTypes(InputType.convolutional(of.side, of.side, of.channels));
    ComputationGraph network = new ComputationGraph(graph.build());
    network.init();
    return network;
  }

  private void add(org.deeplearning4j.nn.conf.layers.Layer layer) {
    String name = "layer" + layers++;
    graph.addLayer(name, layer, last);
    last = name;
  }

  private void normalized(int channels, int stride) {
    add(
        new ConvolutionLayer.Builder(3, 3)
            .convolutionMode(ConvolutionMode.Same)
            .stride(stride, stride)
            .nOut(channels)
            .hasBias(false)
            .activation(Activation.IDENTITY)
            .build());
    add(new BatchNormalization());
  }

  private void demo() {
    for (int channels : new int[] {16, 32, 64}) {
      normalized(channels, 1);
      add(new ActivationLayer(Activation.RELU));
      add(
          new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
              .kernelSize(2, 2)
              .stride(2, 2)
              .build());
    }
  }

  private void resNet20() {
    normalized(16, 1);
    add(new ActivationLayer(Activation.RELU));
    int in = 16;
    for (int channels : new int[] {16, 32, 64}) {
      for (int i = 0; i < 3; i++) {
        residual(channels, channels == in ? 1 : 2);
        in = channels;
      }
    }
    add(new GlobalPoolingLayer(PoolingType.AVG));
  }

  private void residual(int channels, int stride) {
    String x = last;
    String shortcut = stride == 1 ? x : halved(x);
    last = x;
    normalized(channels, stride);
    add(new ActivationLayer(Activation.RELU));
    normalized(channels, 1);
    String sum = "sum" + layers;
    graph.addVertex(sum, new ElementWiseVertex(ElementWiseVertex.Op.Add), last, shortcut);
    last = sum;
    add(new ActivationLayer(Activation.RELU));
  }

  /** Every second line and column, and as many channels again that are zero. */
  private String halved(String x) {
    last = x;
    add(
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
            .kernelSize(1, 1)
            .stride(2, 2)
            .build());
    String small = last;
    graph.addVertex(small + "zeros", new ScaleVertex(0), small);
    graph.addVertex(small + "all", new MergeVertex(), small, small + "zeros");
    return small + "all";
  }
}
