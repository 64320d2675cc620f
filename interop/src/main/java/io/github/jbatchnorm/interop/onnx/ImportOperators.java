package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** All operators that are read, by name; those that go element by element. */
final class ImportOperators {
  private static final Map<String, ImportOperator> ALL = new HashMap<>();

  static {
    unary("Abs", Tensor::abs);
    unary("Acos", Tensor::arccos);
    unary("Acosh", Tensor::arccosh);
    unary("Asin", Tensor::arcsin);
    unary("Asinh", Tensor::arcsinh);
    unary("Atan", Tensor::arctan);
    unary("Atanh", Tensor::arctanh);
    unary("Cos", Tensor::cos);
    unary("Ceil", Tensor::ceil);
    unary("Exp", Tensor::exp);
    unary("Floor", Tensor::floor);
    unary("Identity", x -> x);
    unary("Log", Tensor::log);
    unary("Neg", Tensor::negate);
    unary("Reciprocal", Tensor::reciprocal);
    unary("Relu", Tensor::relu);
    unary("Sigmoid", Tensor::sigmoid);
    unary("Sin", Tensor::sin);
    unary("Softsign", Functions::softSign);
    unary("Sqrt", Tensor::sqrt);
    unary("Tanh", Tensor::tanh);
    binary("Add", Tensor::add);
    binary("Equal", Tensor::equal);
    binary("Greater", Tensor::greater);
    binary("Less", Tensor::less);
    binary("Sub", Tensor::subtract);
    binary("Mul", Tensor::multiply);
    binary("Pow", Tensor::pow);
    binary("MatMul", Tensor::matmul);
    several("Max", Tensor::maximum);
    several("Min", Tensor::minimum);
    several("Sum", Tensor::add);
    ALL.put("LeakyRelu", ImportOperators::leakyRelu);
    ALL.put("Elu", ImportOperators::elu);
    ALL.put("Clip", ImportOperators::clip);
    ALL.put("Cast", ImportOperators::cast);
    ALL.put("Div", ImportOperators::divide);
    ALL.put("Constant", ImportShapes::constant);
    ALL.put("ConstantOfShape", ImportSizes::constantOfShape);
    ALL.put("Concat", ImportShapes::concat);
    ALL.put("Expand", ImportSizes::expand);
    ALL.put("Flatten", ImportShapes::flatten);
    ALL.put("Gather", ImportGather::read);
    ALL.put("Pad", ImportShapes::pad);
    ALL.put("Reshape", ImportSizes::reshape);
    ALL.put("Resize", ImportResize::read);
    ALL.put("Shape", ImportSizes::shape);
    ALL.put("Slice", ImportShapes::slice);
    ALL.put("Squeeze", ImportShapes::squeeze);
    ALL.put("Transpose", ImportShapes::transpose);
    ALL.put("Unsqueeze", ImportShapes::unsqueeze);
    ALL.put("Upsample", ImportResize::read);
    ALL.put("Where", ImportSizes::where);
    ALL.put("AveragePool", ImportReductions::averagePool);
    ALL.put("GlobalAveragePool", ImportReductions::globalAveragePool);
    ALL.put("GlobalMaxPool", ImportReductions::globalMaxPool);
    ALL.put("LogSoftmax", node -> ImportReductions.softmax(node, Functions::logSoftmax));
    ALL.put("MaxPool", ImportReductions::maxPool);
    ALL.put("ReduceMax", node -> ImportReductions.reduce(node, Tensor::max));
    ALL.put("ReduceMean", node -> ImportReductions.reduce(node, Tensor::mean));
    ALL.put("ReduceMin", node -> ImportReductions.reduce(node, Tensor::min));
    ALL.put("ReduceSum", node -> ImportReductions.reduce(node, Tensor::sum));
    ALL.put("Softmax", node -> ImportReductions.softmax(node, Functions::softmax));
    ALL.put("GroupNormalization", ImportNorms::group);
    ALL.put("InstanceNormalization", ImportNorms::instance);
    ALL.put("LayerNormalization", ImportNorms::layer);
    ALL.put("BatchNormalization", ImportLayers::batchNorm);
    ALL.put("Conv", ImportLayers::conv);
    ALL.put("ConvTranspose", ImportConvTranspose::read);
    ALL.put("Dropout", ImportLayers::dropout);
    ALL.put("Gemm", ImportLayers::gemm);
  }

  private ImportOperators() {}

  static @Nullable ImportOperator of(String name) {
    return ALL.get(name);
  }

  private static void unary(String name, UnaryOperator<Tensor> function) {
    ALL.put(
        name,
        node -> {
          node.take(0);
          return (in, mode) -> function.apply(in[0]);
        });
  }

  private static void binary(String name, BinaryOperator<Tensor> function) {
    ALL.put(
        name,
        node -> {
          node.take(0, 1);
          return (in, mode) -> function.apply(in[0], in[1]);
        });
  }

  private static void several(String name, BinaryOperator<Tensor> function) {
    ALL.put(
        name,
        node -> {
          for (int i = 0; i < Math.max(1, node.inputs()); i++) {
            node.take(i);
          }
          return (in, mode) -> {
            Tensor result = in[0];
            for (int i = 1; i < in.length; i++) {
              result = function.apply(result, in[i]);
            }
            return result;
          };
        });
  }

  private static OnnxNetwork.Function leakyRelu(NodeArguments node) throws FileFormatException {
    double slope = node.number("alpha", 0.01);
    node.take(0);
    return (in, mode) -> in[0].leakyRelu(slope);
  }

  private static OnnxNetwork.Function elu(NodeArguments node) throws FileFormatException {
    double alpha = node.number("alpha", 1);
    node.take(0);
    return (in, mode) -> in[0].elu(alpha);
  }

  private static OnnxNetwork.Function clip(NodeArguments node) throws FileFormatException {
    boolean told = node.opset() < 11;
    double low = told ? node.number("min", Double.NEGATIVE_INFINITY) : bound(node, 1);
    double high = told ? node.number("max", Double.POSITIVE_INFINITY) : bound(node, 2);
    node.take(0);
    return (in, mode) -> in[0].clip(low, high);
  }

  private static double bound(NodeArguments node, int input) throws FileFormatException {
    double missing = input == 1 ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    return node.hasInput(input) ? node.fixedNumber(input) : missing;
  }

  /** Whole numbers are cut off to whole ones. */
  private static OnnxNetwork.Function divide(NodeArguments node) throws FileFormatException {
    node.take(0, 1);
    return node.givesIntegers()
        ? (in, mode) -> in[0].divide(in[1]).trunc()
        : (in, mode) -> in[0].divide(in[1]);
  }

  private static OnnxNetwork.Function cast(NodeArguments node) throws FileFormatException {
    long to = node.integer("to", 0);
    DType dtype = ElementType.dtype(to);
    Stored.Type type = ElementType.type(to);
    node.expect("saturate", 1);
    node.take(0);
    if (type == Stored.Type.I32 || type == Stored.Type.I64) {
      node.integers(true);
      return (in, mode) -> in[0].astype(DType.F64).trunc();
    }
    if (dtype == null) {
      throw node.attribute("to", "expected a floating-point type, I32 or I64");
    }
    node.integers(false);
    return (in, mode) -> in[0].astype(dtype);
  }
}
