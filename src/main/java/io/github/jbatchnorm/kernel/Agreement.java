package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.MessageMemory.Use;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * That all ranks do the same: before it begins, each tells how many samples it has and a number
 * made of the terms, as of its call. Where these differ, or a rank refuses, the terms themselves go
 * round, and every rank throws the same exception.
 */
final class Agreement {
  private static final long REFUSED = -1;

  private Agreement() {}

  /**
   * Returns how many samples each rank has.
   *
   * @param what it is about, as "call"
   * @param terms what has to be the same everywhere, parts of "name value" with commas between them
   * @throws IllegalArgumentException if terms differ, naming both, or a rank refuses, on all ranks
   */
  static long[] on(Communicator ranks, String what, long samples, String terms) {
    long[] said = exchanged(ranks, samples, number(terms));
    long[] counts = new long[ranks.size()];
    boolean same = true;
    for (int rank = 0; rank < counts.length; rank++) {
      counts[rank] = said[2 * rank];
      same &= counts[rank] != REFUSED && said[2 * rank + 1] == said[1];
    }
    if (same) {
      return counts;
    }
    throw new IllegalArgumentException(difference(ranks, what, terms, counts));
  }

  /** Returns what to throw where this rank's arguments were refused, which all others hear of. */
  static IllegalArgumentException refused(Communicator ranks, IllegalArgumentException why) {
    String message = String.valueOf(why.getMessage());
    long[] said = exchanged(ranks, REFUSED, 0);
    long[] counts = IntStream.range(0, ranks.size()).mapToLong(rank -> said[2 * rank]).toArray();
    return new IllegalArgumentException(difference(ranks, "", message, counts), why);
  }

  private static String difference(Communicator ranks, String what, String terms, long[] counts) {
    String[] said = gathered(ranks, terms);
    for (int rank = 0; rank < said.length; rank++) {
      if (counts[rank] == REFUSED) {
        return "rank %s: %s".formatted(rank, said[rank]);
      }
    }
    int other =
        IntStream.range(0, said.length).filter(i -> !said[i].equals(said[0])).findFirst().orElse(0);
    String[] first = said[0].split(", ", -1);
    String[] second = said[other].split(", ", -1);
    int term = Arrays.mismatch(first, second);
    return "ranks: expected the same %s on all, got %s on rank 0 and %s on rank %s"
        .formatted(what, part(first, term), part(second, term), other);
  }

  private static String part(String[] terms, int i) {
    return i < terms.length ? terms[i] : "nothing more";
  }

  /** Gives two numbers to all; returns everyone's. */
  private static long[] exchanged(Communicator ranks, long first, long second) {
    int[] lengths = new int[ranks.size()];
    Arrays.fill(lengths, 2 * Long.BYTES);
    long[] said = new long[2 * lengths.length];
    try (MessageMemory memory = MessageMemory.take()) {
      Storage own = memory.of(Use.OWN_TERMS, 2);
      Storage all = memory.of(Use.ALL_TERMS, said.length);
      own.bytes().asLongBuffer().put(first).put(second);
      ranks.allGather(own.bytes(), lengths, all.bytes());
      all.bytes().asLongBuffer().get(said);
    }
    return said;
  }

  private static String[] gathered(Communicator ranks, String text) {
    byte[] own = text.getBytes(StandardCharsets.UTF_8);
    long[] said = exchanged(ranks, own.length, 0);
    int[] lengths = new int[ranks.size()];
    Arrays.setAll(lengths, rank -> (int) said[2 * rank]);
    ByteBuffer all = direct(Arrays.stream(lengths).reduce(0, Math::addExact));
    ranks.allGather(direct(own.length).put(own).flip(), lengths, all.duplicate());
    String[] texts = new String[lengths.length];
    for (int rank = 0; rank < texts.length; rank++) {
      byte[] one = new byte[lengths[rank]];
      all.get(one);
      texts[rank] = new String(one, StandardCharsets.UTF_8);
    }
    return texts;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** FNV-1a of 64 bits. */
  private static long number(String terms) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : terms.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }
}
