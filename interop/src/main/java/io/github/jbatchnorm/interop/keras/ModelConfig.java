package io.github.jbatchnorm.interop.keras;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a model's config.json says of its layers, by their paths. */
final class ModelConfig {
  private static final int MOST_DEPTH = 200;
  private static final JsonFactory JSON =
      new JsonFactoryBuilder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxNestingDepth(MOST_DEPTH).build())
          .build();

  private final Map<String, Map<?, ?>> layers = new HashMap<>();

  private ModelConfig() {}

  static ModelConfig read(Path file, byte[] text) throws IOException {
    ModelConfig config = new ModelConfig();
    try (JsonParser json = JSON.createParser(text)) {
      json.nextToken();
      config.add("", value(json));
    } catch (JsonProcessingException e) {
      throw new FileFormatException(
          file, "config.json: is no valid JSON: " + e.getOriginalMessage());
    }
    return config;
  }

  /** Adds a model's layers, and theirs. */
  private void add(String path, @Nullable Object model) {
    if (model instanceof Map<?, ?> named
        && named.get("config") instanceof Map<?, ?> config
        && config.get("layers") instanceof List<?> all) {
      for (Object layer : all) {
        if (layer instanceof Map<?, ?> each && each.get("config") instanceof Map<?, ?> told) {
          String at = path + told.get("name");
          layers.put(at, told);
          add(at + ".", layer);
        }
      }
    }
  }

  /** Returns whether a layer has an option; true where nothing is said. */
  boolean has(String path, String option) {
    Map<?, ?> layer = layers.get(path);
    return layer == null || !Boolean.FALSE.equals(layer.get(option));
  }

  private static @Nullable Object value(JsonParser json) throws IOException {
    JsonToken token = json.currentToken();
    if (token == JsonToken.START_OBJECT) {
      Map<String, @Nullable Object> object = new LinkedHashMap<>();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        object.put(name, value(json));
      }
      return object;
    }
    if (token == JsonToken.START_ARRAY) {
      List<@Nullable Object> array = new ArrayList<>();
      while (json.nextToken() != JsonToken.END_ARRAY) {
        array.add(value(json));
      }
      return array;
    }
    return token == JsonToken.VALUE_FALSE
        ? (Object) false
        : token == JsonToken.VALUE_STRING ? json.getText() : null;
  }
}
