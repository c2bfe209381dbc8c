package io.ballast.training.scoring;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringRow;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.LowerStates;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What members need to train blocks of their own: the groups of a table laid into rows as the
 * scorer will lay them, the shared blocks below, and where each member's blocks are written.
 */
public final class OwnBlocks implements AutoCloseable {
  /** Is told how far members have come. */
  @FunctionalInterface
  public interface Progress {
    /**
     * A member, counted from 1, has done {@code share}, 0 to 1, of the most passes that it may
     * take.
     */
    void at(int member, double share);
  }

  private final int count;
  private final BlockOptions options;
  private final LowerStates lower;
  private final Path folder;
  private final Progress progress;
  private final List<List<Integer>> units = new ArrayList<>();
  private final List<List<Integer>> order = new ArrayList<>();

  /**
   * Lays out the groups of a table.
   *
   * @param trunk the decoder's folder
   * @param count how many of its last blocks each member trains, 1 to all
   * @param reader of the same trunk
   * @param folder for the members' files; is there already
   * @throws IllegalArgumentException if the trunk has fewer blocks
   * @throws ModelException if the trunk cannot be read
   */
  public OwnBlocks(
      Path trunk,
      int count,
      BlockOptions options,
      OnnxFeatureReader reader,
      FeatureTable table,
      Path folder,
      Progress progress) {
    this.count = count;
    this.options = options;
    this.folder = folder;
    this.progress = progress;
    List<CompletionGroup> rows = new ArrayList<>();
    for (int g = 0; g < table.groups(); g++) {
      JudgedGroup group = table.group(g);
      List<Integer> unit = new ArrayList<>();
      List<Integer> ofUnit = new ArrayList<>();
      for (ScoringRow row : reader.rows(new ScoringGroup(group.prompt(), group.completions()))) {
        unit.add(rows.size());
        ofUnit.addAll(row.completions());
        rows.add(
            new CompletionGroup(
                row.prompt(), row.completions().stream().map(group.completions()::get).toList()));
      }
      units.add(List.copyOf(unit));
      order.add(List.copyOf(ofUnit));
    }
    lower = LowerStates.of(trunk, count, rows, options.keptBytes());
  }

  /** How many blocks each member trains. */
  int count() {
    return count;
  }

  BlockOptions options() {
    return options;
  }

  LowerStates lower() {
    return lower;
  }

  Progress progress() {
    return progress;
  }

  /** The rows of a group of the table. */
  List<Integer> unit(int group) {
    return units.get(group);
  }

  /** Which of the group's completions stand in its rows, in their order. */
  List<Integer> order(int group) {
    return order.get(group);
  }

  /** Where a member's blocks are written. */
  Path file(int member) {
    return folder.resolve("member-" + member + ".safetensors");
  }

  /** The files of all members, of which there are {@code members}. */
  public List<Path> files(int members) {
    List<Path> files = new ArrayList<>();
    for (int k = 0; k < members; k++) {
      files.add(file(k));
    }
    return files;
  }

  @Override
  public void close() {
    lower.close();
  }
}
