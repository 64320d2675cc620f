package io.github.jbatchnorm.interop.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** An input or output of a graph: its name, and the type and shape that lie four messages deep. */
final class ValueReader implements ModelReader.Fields {
  private final ModelReader reader;
  private final List<Long> shape = new ArrayList<>();
  private String name = "";
  private long type;

  ValueReader(ModelReader reader) {
    this.reader = reader;
  }

  OnnxFile.Value value() {
    return new OnnxFile.Value(name, (int) type, shape);
  }

  @Override
  public boolean take(int field, int wire) throws IOException {
    if (field == 1) {
      name = reader.text(wire);
    } else if (field == 2) {
      reader.nested(wire, this::kind);
    }
    return field == 1 || field == 2;
  }

  private boolean kind(int field, int wire) throws IOException {
    if (field == 1) {
      reader.nested(wire, this::tensor);
    }
    return field == 1;
  }

  private boolean tensor(int field, int wire) throws IOException {
    if (field == 1) {
      type = reader.number(wire);
    } else if (field == 2) {
      reader.nested(wire, this::axes);
    }
    return field == 1 || field == 2;
  }

  private boolean axes(int field, int wire) throws IOException {
    if (field == 1) {
      shape.add(OnnxFile.ANY);
      reader.nested(wire, this::axis);
    }
    return field == 1;
  }

  private boolean axis(int field, int wire) throws IOException {
    if (field == 1) {
      shape.set(shape.size() - 1, reader.number(wire));
    }
    return field == 1;
  }
}
