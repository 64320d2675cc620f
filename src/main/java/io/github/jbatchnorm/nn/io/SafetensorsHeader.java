package io.github.jbatchnorm.nn.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The header of a safetensors file. What it says is not believed but checked: each tensor's length
 * against its type and shape, and that the tensors fill the data in order without gap or overlap.
 */
final class SafetensorsHeader {
  private static final String METADATA = "__metadata__";

  /** The format's own limit of the header, in bytes. */
  static final int MOST = 100_000_000;

  private static final int MOST_NAME = 50_000; // bytes in UTF-8
  private static final int MOST_TEXT = 20_000_000; // characters

  private static final JsonFactory JSON =
      new JsonFactoryBuilder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(4)
                  .maxNameLength(MOST_NAME + Integer.BYTES) // it counts in whole ints
                  .maxStringLength(MOST_TEXT)
                  .build())
          .build();

  private final Path file;
  private final long size;
  private final List<Claim> claims = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** What the header says of one tensor: its bytes are from begin up to end in the data. */
  record Claim(String name, Stored.Type type, List<Integer> shape, long begin, long end) {
    /** Returns the tensor of these bytes. */
    Stored stored(ByteBuffer bytes) {
      return new Stored(type, shape.stream().mapToInt(Integer::intValue).toArray(), bytes);
    }

    int bytes() {
      return (int) (end - begin);
    }
  }

  /**
   * Makes a header.
   *
   * @param size how many bytes of data there are
   */
  SafetensorsHeader(Path file, long size) {
    this.file = file;
    this.size = size;
  }

  /** Returns the tensors, in the order of their bytes. */
  List<Claim> claims() {
    return claims;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  SafetensorsHeader parse(byte[] text) throws IOException {
    try (JsonParser json = JSON.createParser(text)) {
      expect(json.nextToken(), JsonToken.START_OBJECT, "the header");
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        expect(json.nextToken(), JsonToken.START_OBJECT, name);
        if (name.equals(METADATA)) {
          readMetadata(json);
        } else {
          claims.add(readClaim(json, name));
        }
      }
      if (json.nextToken() != null) {
        throw problem("the header", "goes on after its end");
      }
    } catch (JsonProcessingException e) {
      throw problem("the header", "is no valid JSON: " + e.getOriginalMessage());
    }
    claims.sort((a, b) -> Long.compare(a.begin(), b.begin()));
    long reached = 0;
    for (Claim claim : claims) {
      reached = accept(claim, reached);
    }
    if (reached != size) {
      throw problem("the data", "expected %s bytes, got %s".formatted(reached, size));
    }
    return this;
  }

  private void readMetadata(JsonParser json) throws IOException {
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      expect(json.nextToken(), JsonToken.VALUE_STRING, METADATA + " " + key);
      metadata.put(key, json.getText());
    }
  }

  private Claim readClaim(JsonParser json, String name) throws IOException {
    Stored.Type type = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      json.nextToken();
      switch (key) {
        case "dtype" -> type = type(json, name);
        case "shape" -> shape = numbers(json, name + " shape");
        case "data_offsets" -> offsets = numbers(json, name + " data_offsets");
        default -> throw problem(name, "has an unknown field " + key);
      }
    }
    if (type == null || shape == null || offsets == null || offsets.length != 2) {
      throw problem(name, "expected dtype, shape and two data_offsets");
    }
    return new Claim(name, type, sizes(name, shape), offsets[0], offsets[1]);
  }

  private Stored.Type type(JsonParser json, String name) throws IOException {
    expect(json.currentToken(), JsonToken.VALUE_STRING, name + " dtype");
    for (Stored.Type type : Stored.Type.values()) {
      if (type.name().equals(json.getText())) {
        return type;
      }
    }
    throw problem(
        name,
        "has dtype %s: expected one of %s"
            .formatted(json.getText(), Arrays.toString(Stored.Type.values())));
  }

  private long[] numbers(JsonParser json, String what) throws IOException {
    expect(json.currentToken(), JsonToken.START_ARRAY, what);
    long[] numbers = new long[Stored.MOST_AXES];
    int count = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(json.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      if (count == numbers.length) {
        throw problem(what, "has more than %s numbers".formatted(numbers.length));
      }
      numbers[count] = json.getLongValue();
      if (numbers[count++] < 0) {
        throw problem(what, "has a negative number");
      }
    }
    return Arrays.copyOf(numbers, count);
  }

  private List<Integer> sizes(String name, long... shape) throws FileFormatException {
    List<Integer> sizes = new ArrayList<>();
    for (long axis : shape) {
      if (axis > Integer.MAX_VALUE) {
        throw problem(name, "has an axis of %s".formatted(axis));
      }
      sizes.add((int) axis);
    }
    return sizes;
  }

  /** Checks a tensor, which begins where the one before ended; returns where it ends. */
  private long accept(Claim claim, long reached) throws FileFormatException {
    if (claim.begin() != reached || claim.end() < reached || claim.end() > size) {
      throw problem(
          claim.name(),
          "has data_offsets %s to %s: expected them to go on from %s, within %s bytes"
              .formatted(claim.begin(), claim.end(), reached, size));
    }
    int[] shape = claim.shape().stream().mapToInt(Integer::intValue).toArray();
    if (!Stored.fits(claim.type(), shape)) {
      throw problem(claim.name(), "has shape %s, which is past 2 GiB".formatted(claim.shape()));
    }
    long expected = Stored.size(claim.type(), shape);
    if (claim.end() - claim.begin() != expected) {
      throw problem(
          claim.name(),
          "has %s bytes, expected %s for its dtype and shape"
              .formatted(claim.end() - claim.begin(), expected));
    }
    return claim.end();
  }

  private void expect(JsonToken found, JsonToken expected, String what) throws FileFormatException {
    if (found != expected) {
      throw problem(
          what,
          "expected %s, got %s"
              .formatted(
                  expected.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                  String.valueOf(found).toLowerCase(Locale.ROOT).replace('_', ' ')));
    }
  }

  private FileFormatException problem(String what, String problem) {
    return new FileFormatException(file, what + " " + problem);
  }

  /** Returns the header's text, padded with spaces so that the data is aligned to 8 bytes. */
  static byte[] text(Safetensors contents) throws IOException {
    check(contents);
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeObjectFieldStart(METADATA);
      for (Map.Entry<String, String> entry : new TreeMap<>(contents.metadata()).entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      long at = 0;
      for (Map.Entry<String, Stored> entry : contents.tensors().entrySet()) {
        Stored tensor = entry.getValue();
        long end = at + tensor.bytes().remaining();
        json.writeObjectFieldStart(entry.getKey());
        json.writeStringField("dtype", tensor.type().name());
        json.writeFieldName("shape");
        json.writeArray(tensor.shape(), 0, tensor.shape().length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {at, end}, 0, 2);
        json.writeEndObject();
        at = end;
      }
      json.writeEndObject();
    }
    while (text.size() % Long.BYTES != 0) {
      text.write(' ');
    }
    if (text.size() > MOST) {
      throw new IllegalArgumentException(
          "tensors: expected a header of at most %s bytes, got %s".formatted(MOST, text.size()));
    }
    return text.toByteArray();
  }

  /** Refuses what could not be read. */
  private static void check(Safetensors contents) {
    for (String name : contents.tensors().keySet()) {
      FileText.checkName("tensors", name, MOST_NAME);
      if (name.equals(METADATA)) {
        throw new IllegalArgumentException("tensors: a tensor cannot be named " + METADATA);
      }
    }
    contents
        .metadata()
        .forEach(
            (key, text) -> {
              FileText.checkName("metadata", key, MOST_NAME);
              if (text == null || !FileText.isWhole(text) || text.length() > MOST_TEXT) {
                throw new IllegalArgumentException(
                    "metadata: expected a text of at most %s whole characters for %s"
                        .formatted(MOST_TEXT, FileText.printable(key)));
              }
            });
  }
}
