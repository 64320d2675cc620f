package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * That all ranks make the same call on their shares: before it begins, each tells how many samples
 * it has and a number made of the terms of its call. Where these differ, or a rank refuses, the
 * terms themselves go round, and every rank throws the same exception.
 */
final class Agreement {
  /** Bytes of the terms, where they go round. */
  private static final int LONG = 1024;

  private static final long REFUSED = -1;

  private Agreement() {}

  /**
   * Returns how many samples each rank has.
   *
   * @param terms what has to be the same everywhere, parts of "name value" with commas between them
   * @throws IllegalArgumentException if terms differ, naming both, or a rank refuses, on all ranks
   */
  static long[] on(Communicator ranks, long samples, String terms) {
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
    throw new IllegalArgumentException(difference(ranks, terms, counts));
  }

  /** Returns what to throw where this rank's arguments were refused, which all others hear of. */
  static IllegalArgumentException refused(Communicator ranks, IllegalArgumentException why) {
    String message = String.valueOf(why.getMessage());
    long[] said = exchanged(ranks, REFUSED, 0);
    long[] counts = IntStream.range(0, ranks.size()).mapToLong(rank -> said[2 * rank]).toArray();
    return new IllegalArgumentException(difference(ranks, message, counts), why);
  }

  private static String difference(Communicator ranks, String terms, long[] counts) {
    byte[] text = Arrays.copyOf(terms.getBytes(StandardCharsets.UTF_8), LONG);
    ByteBuffer all = gathered(ranks, direct(LONG).put(text).flip());
    String[] said = new String[ranks.size()];
    for (int rank = 0; rank < said.length; rank++) {
      all.get(rank * LONG, text);
      said[rank] = new String(text, StandardCharsets.UTF_8).replace("\0", "");
      if (counts[rank] == REFUSED) {
        return "rank %s: %s".formatted(rank, said[rank]);
      }
    }
    String[] first = said[0].split(", ", -1);
    int other =
        IntStream.range(0, said.length).filter(i -> !said[i].equals(said[0])).findFirst().orElse(0);
    String[] second = said[other].split(", ", -1);
    int term = 0;
    while (term + 1 < Math.min(first.length, second.length) && first[term].equals(second[term])) {
      term++;
    }
    return "ranks: expected the same call on all, got %s on rank 0 and %s on rank %s"
        .formatted(first[term], second[term], other);
  }

  /** Gives two numbers to all; returns everyone's. */
  private static long[] exchanged(Communicator ranks, long first, long second) {
    int[] lengths = new int[ranks.size()];
    Arrays.fill(lengths, 2 * Long.BYTES);
    Storage own = Storage.scratch(DType.F64, 2);
    Storage all = Storage.scratch(DType.F64, 2L * lengths.length);
    own.bytes().asLongBuffer().put(first).put(second);
    ranks.allGather(own.bytes(), lengths, all.bytes());
    long[] said = new long[2 * lengths.length];
    all.bytes().asLongBuffer().get(said);
    own.close();
    all.close();
    return said;
  }

  private static ByteBuffer gathered(Communicator ranks, ByteBuffer own) {
    int[] lengths = new int[ranks.size()];
    Arrays.fill(lengths, own.remaining());
    ByteBuffer all = direct(Math.multiplyExact(ranks.size(), own.remaining()));
    ranks.allGather(own, lengths, all);
    return all;
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
