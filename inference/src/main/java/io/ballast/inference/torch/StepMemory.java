package io.ballast.inference.torch;

import io.ballast.inference.torch.DecoderNetwork.AttentionMemory;
import io.ballast.inference.torch.PrefillJob.KeysAndValues;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Attention of one step over tokens of many owners: first one token of each row under way, arena by
 * arena, then the chunks of prompts. Every part attends to the keys and values of its own, after
 * its new ones were written to them. Lives inside the step's scope.
 *
 * <p>Shape letters: N tokens of the step, R rows of an arena, C tokens of a chunk, H query heads, K
 * key-value heads, G = H / K, E head size, T tokens.
 */
final class StepMemory implements AttentionMemory {
  /** Tokens of the step that attend together. */
  private interface Part {
    int size();

    /** Attends: query [n, H, 1, E], key and value [n, K, 1, E], to [n, H, 1, E]. */
    Tensor attend(int layer, Tensor query, Tensor key, Tensor value);
  }

  private final List<Part> parts = new ArrayList<>();
  private final ScalarType type;
  private final int block;

  /**
   * Starts without parts.
   *
   * @param block queries of a prompt attend so many at a time, from multiples of it on, and every
   *     attention is over a length that depends on the row alone; 0: as is quickest
   */
  StepMemory(ScalarType type, int block) {
    this.type = type;
    this.block = block;
  }

  /** Adds tokens that nobody looks at. */
  void addPadding(int tokens) {
    if (tokens > 0) {
      parts.add(new Padding(tokens));
    }
  }

  /** Adds rows of an arena. */
  void add(ArenaRows rows) {
    parts.add(new ArenaPart(rows));
  }

  /** Adds the next tokens of a prompt. */
  void add(PrefillJob job, int chunk) {
    parts.add(block == 0 ? new ChunkPart(job, chunk) : new BlockPart(job, chunk));
  }

  @Override
  public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
    if (parts.size() == 1) {
      return parts.getFirst().attend(layer, query, key, value);
    }
    TensorVector attended = new TensorVector();
    int from = 0;
    for (Part part : parts) {
      int size = part.size();
      attended.push_back(
          part.attend(
              layer,
              query.narrow(0, from, size),
              key.narrow(0, from, size),
              value.narrow(0, from, size)));
      from += size;
    }
    return torch.cat(attended, 0);
  }

  private final class ArenaPart implements Part {
    private final KeyValueArena arena;
    private final int first;
    private final int rows;
    private final int longest;
    private final @Nullable Tensor place;
    private final @Nullable Tensor mask;

    ArenaPart(ArenaRows of) {
      this.arena = of.arena();
      this.first = of.first();
      this.rows = of.count();
      long[] positions = new long[rows];
      int most = 0;
      for (int r = 0; r < rows; r++) {
        int position = of.seats().get(r).position();
        positions[r] = position;
        most = Math.max(most, position);
      }
      longest = block == 0 ? most + 1 : arena.tokens();
      long last = most;
      if (block == 0 && Arrays.stream(positions).allMatch(position -> position == last)) {
        place = null;
        mask = null;
      } else {
        long heads = arena.keys(0).size(1);
        long size = arena.keys(0).size(3);
        place = Tensors.of(positions, rows, 1, 1, 1).expand(rows, heads, 1, size);
        mask = mask(positions);
      }
    }

    /** What is added to attention: −∞ after each row's position; shape [R, 1, 1, T]. */
    private Tensor mask(long[] positions) {
      float[] addends = new float[rows * longest];
      for (int r = 0; r < rows; r++) {
        Arrays.fill(
            addends,
            r * longest + (int) positions[r] + 1,
            (r + 1) * longest,
            Float.NEGATIVE_INFINITY);
      }
      return Tensors.of(addends, rows, 1, 1, longest).to(type);
    }

    /** What the rows that take part have, shape [R, K, T, E]. */
    private Tensor used(Tensor places) {
      Tensor ours = rows == arena.capacity() ? places : places.narrow(0, first, rows);
      return longest == arena.tokens() ? ours : ours.narrow(2, 0, longest);
    }

    @Override
    public int size() {
      return rows;
    }

    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      Tensor keys = used(arena.keys(layer));
      Tensor values = used(arena.values(layer));
      if (place == null) {
        keys.narrow(2, longest - 1, 1).copy_(key);
        values.narrow(2, longest - 1, 1).copy_(value);
      } else {
        keys.scatter_(2, place, key);
        values.scatter_(2, place, value);
      }
      long heads = query.size(1);
      long keyHeads = key.size(1);
      long size = query.size(3);
      if (heads == keyHeads) {
        return DecoderNetwork.attend(query, keys, values, mask, false);
      }
      // the queries of a group stand side by side, so that keys need not be repeated for them
      Tensor grouped = query.reshape(rows, keyHeads, heads / keyHeads, size);
      return DecoderNetwork.attend(grouped, keys, values, mask, false)
          .reshape(rows, heads, 1, size);
    }
  }

  private final class ChunkPart implements Part {
    private final PrefillJob job;
    private final int chunk;
    private final @Nullable Tensor mask;

    ChunkPart(PrefillJob job, int chunk) {
      this.job = job;
      this.chunk = chunk;
      mask = job.done() == 0 ? null : causal(chunk, job.done());
    }

    @Override
    public int size() {
      return chunk;
    }

    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      KeysAndValues all = job.append(layer, sideBySide(key), sideBySide(value));
      return oneByOne(
          DecoderNetwork.attend(
              sideBySide(query).unsqueeze(0),
              all.keys().unsqueeze(0),
              all.values().unsqueeze(0),
              mask,
              mask == null));
    }
  }

  /** From [C, heads, 1, E] to [heads, C, E]. */
  private static Tensor sideBySide(Tensor x) {
    return x.squeeze(2).transpose(0, 1);
  }

  /** From [1, heads, C, E] to [C, heads, 1, E]. */
  private static Tensor oneByOne(Tensor x) {
    return x.squeeze(0).transpose(0, 1).unsqueeze(2);
  }

  /** A chunk that is padded to whole blocks, whose queries attend block by block. */
  private final class BlockPart implements Part {
    private final PrefillJob job;
    private final int chunk;
    private final List<Tensor> masks = new ArrayList<>();

    BlockPart(PrefillJob job, int chunk) {
      this.job = job;
      this.chunk = chunk;
      for (int from = job.done(); from < job.done() + chunk; from += block) {
        masks.add(causal(block, from));
      }
    }

    @Override
    public int size() {
      return masks.size() * block;
    }

    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      var unused =
          job.append(
              layer, sideBySide(key.narrow(0, 0, chunk)), sideBySide(value.narrow(0, 0, chunk)));
      KeysAndValues all = job.all(layer);
      TensorVector attended = new TensorVector();
      for (int b = 0; b < masks.size(); b++) {
        long from = (long) b * block;
        long length = job.done() + from + block;
        attended.push_back(
            oneByOne(
                DecoderNetwork.attend(
                    sideBySide(query.narrow(0, from, block)).unsqueeze(0),
                    all.keys().narrow(1, 0, length).unsqueeze(0),
                    all.values().narrow(1, 0, length).unsqueeze(0),
                    masks.get(b),
                    false)));
      }
      return masks.size() == 1 ? attended.get(0) : torch.cat(attended, 0);
    }
  }

  /** Tokens that fill a block up. */
  private record Padding(int size) implements Part {
    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      return query;
    }
  }

  /**
   * What is added to attention of tokens that follow {@code before} others; shape [C, C + before].
   */
  private Tensor causal(long tokens, long before) {
    return torch
        .full(
            new long[] {tokens, before + tokens},
            new Scalar(Double.NEGATIVE_INFINITY),
            new TensorOptions(type))
        .triu_(before + 1);
  }
}
