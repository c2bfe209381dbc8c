package io.ballast.inference.torch;

import io.ballast.inference.torch.DecoderNetwork.Block;
import org.bytedeco.pytorch.Tensor;

/** The projections of a block that may have adapters, in the order of a block's matrices. */
public enum LoraProjection {
  /** Attention's queries. */
  Q_PROJ,
  /** Attention's keys. */
  K_PROJ,
  /** Attention's values. */
  V_PROJ,
  /** Attention's output. */
  O_PROJ,
  /** The feed-forward layer's gate. */
  GATE_PROJ,
  /** What the gate multiplies. */
  UP_PROJ,
  /** The feed-forward layer's output. */
  DOWN_PROJ;

  /** The matrix, perhaps of several projections, that this one is multiplied within. */
  Tensor product(Block block) {
    return switch (this) {
      case Q_PROJ, K_PROJ, V_PROJ -> block.queryKeyValue();
      case O_PROJ -> block.output();
      case GATE_PROJ, UP_PROJ -> block.gateUp();
      case DOWN_PROJ -> block.down();
    };
  }

  /** The first of that matrix's rows that are this projection's. */
  long firstRow(DecoderConfig config) {
    return switch (this) {
      case Q_PROJ, O_PROJ, GATE_PROJ, DOWN_PROJ -> 0;
      case K_PROJ -> config.queryWidth();
      case V_PROJ -> config.queryWidth() + config.keyValueWidth();
      case UP_PROJ -> config.intermediateSize();
    };
  }
}
