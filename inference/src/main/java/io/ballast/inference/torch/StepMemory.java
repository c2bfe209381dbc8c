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

  StepMemory(ScalarType type) {
    this.type = type;
  }

  /** Adds the rows of an arena that take part. */
  void add(KeyValueArena arena) {
    parts.add(new ArenaPart(arena));
  }

  /** Adds the next tokens of a prompt. */
  void add(PrefillJob job, int chunk) {
    parts.add(new ChunkPart(job, chunk));
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
    private final int rows;
    private final int longest;
    private final @Nullable Tensor place;
    private final @Nullable Tensor mask;

    ArenaPart(KeyValueArena arena) {
      this.arena = arena;
      this.rows = arena.running();
      long[] positions = new long[rows];
      int most = 0;
      for (int r = 0; r < rows; r++) {
        int position = arena.rows().get(r).position();
        positions[r] = position;
        most = Math.max(most, position);
      }
      longest = most + 1;
      long last = most;
      if (Arrays.stream(positions).allMatch(position -> position == last)) {
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

    @Override
    public int size() {
      return rows;
    }

    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      Tensor keys = arena.keys(layer).narrow(0, 0, rows).narrow(2, 0, longest);
      Tensor values = arena.values(layer).narrow(0, 0, rows).narrow(2, 0, longest);
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
      long before = job.done();
      mask =
          before == 0
              ? null
              : torch
                  .full(
                      new long[] {chunk, before + chunk},
                      new Scalar(Double.NEGATIVE_INFINITY),
                      new TensorOptions(type))
                  .triu_(before + 1);
    }

    @Override
    public int size() {
      return chunk;
    }

    @Override
    public Tensor attend(int layer, Tensor query, Tensor key, Tensor value) {
      KeysAndValues all = job.append(layer, sideBySide(key), sideBySide(value));
      return DecoderNetwork.attend(
              sideBySide(query).unsqueeze(0),
              all.keys().unsqueeze(0),
              all.values().unsqueeze(0),
              mask,
              mask == null)
          .squeeze(0)
          .transpose(0, 1)
          .unsqueeze(2);
    }

    /** From [C, heads, 1, E] to [heads, C, E]. */
    private static Tensor sideBySide(Tensor x) {
      return x.squeeze(2).transpose(0, 1);
    }
  }
}
