package io.ballast.inference.torch;

import io.ballast.inference.torch.DecoderNetwork.Block;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Views of the columns of all matrices that one of several lanes multiplies with. */
final class PassColumns extends KeptTensors {
  /** Columns begin at multiples of it, lest two lanes write to one cache line, of 16 bits too. */
  private static final long EVEN = 32;

  private final List<Matrices> matrices = new ArrayList<>();
  private final Tensor head;

  /** Those of one block, turned round: [columns, rows]. */
  record Matrices(Tensor queryKeyValue, Tensor output, Tensor gateUp, Tensor down) {}

  PassColumns(DecoderNetwork network, int lane, int lanes) {
    for (Block block : network.blocks()) {
      matrices.add(
          new Matrices(
              of(block.queryKeyValue(), lane, lanes),
              of(block.output(), lane, lanes),
              of(block.gateUp(), lane, lanes),
              of(block.down(), lane, lanes)));
    }
    head = of(network.head(), lane, lanes);
  }

  private Tensor of(Tensor weight, int lane, int lanes) {
    return kept(ofLane(weight.t(), lane, lanes));
  }

  /** The columns of a product of all rows that a lane computes, or of what it multiplies with. */
  static Tensor ofLane(Tensor all, int lane, int lanes) {
    long from = first(all.size(1), lane, lanes);
    return all.narrow(1, from, first(all.size(1), lane + 1, lanes) - from);
  }

  /** The first of {@code count} columns that is a lane's; the lane after the last begins at all. */
  private static long first(long count, int lane, int lanes) {
    long first = count * lane / lanes;
    return lane == lanes || count < EVEN * lanes ? first : first / EVEN * EVEN;
  }

  Matrices matrices(int block) {
    return matrices.get(block);
  }

  /** Of the head, turned round. */
  Tensor head() {
    return head;
  }
}
