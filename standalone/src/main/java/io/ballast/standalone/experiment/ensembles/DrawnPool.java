package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.api.TokenIds;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a decoder drew at one position, with what the honest programmer keeps of each.
 *
 * @param file of the position
 * @param prompt shape [P]
 * @param completions shape [N], none empty
 * @param kept shape [N]: characters kept, ≥ 0
 */
record DrawnPool(String file, TokenIds prompt, List<TokenIds> completions, List<Integer> kept) {
  DrawnPool {
    completions = List.copyOf(completions);
    kept = List.copyOf(kept);
    if (kept.size() != completions.size()) {
      throw new IllegalArgumentException(
          "kept: %d (expected: one a completion, %d)".formatted(kept.size(), completions.size()));
    }
  }

  /** Returns gold: characters kept, shape [N]. */
  double[] gold() {
    return kept.stream().mapToDouble(Integer::doubleValue).toArray();
  }

  /** Returns the pool as a label: of two completions the one of which more is kept is better. */
  JudgedGroup judged() {
    return new JudgedGroup(
        file,
        prompt,
        completions,
        JudgedGroup.byValue(gold()),
        Collections.nCopies(completions.size(), Grade.NONE));
  }

  /** Returns the distinct completions, unjudged, in the order in which they first came. */
  JudgedGroup distinct() {
    List<TokenIds> distinct = List.copyOf(places().keySet());
    return new JudgedGroup(
        file, prompt, distinct, List.of(), Collections.nCopies(distinct.size(), Grade.NONE));
  }

  /** Returns where each distinct completion stands among them. */
  private Map<TokenIds, Integer> places() {
    Map<TokenIds, Integer> places = new LinkedHashMap<>();
    for (TokenIds completion : completions) {
      places.putIfAbsent(completion, places.size());
    }
    return places;
  }

  /**
   * Returns the pool with the scores of its distinct completions spread over all.
   *
   * @param members shape [K][distinct]
   */
  ScoredPool scored(double[][] members) {
    Map<TokenIds, Integer> places = places();
    double[][] all = new double[members.length][completions.size()];
    for (int i = 0; i < completions.size(); i++) {
      int place = Objects.requireNonNull(places.get(completions.get(i)));
      for (int k = 0; k < members.length; k++) {
        all[k][i] = members[k][place];
      }
    }
    return new ScoredPool(all, gold());
  }

  /** Writes pools that another run may take up; the file appears whole or not at all. */
  static void write(List<DrawnPool> pools, String key, Path file) throws IOException {
    Path unfinished = file.resolveSibling("unfinished-" + file.getFileName());
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(unfinished)))) {
      out.writeUTF(key);
      out.writeInt(pools.size());
      for (DrawnPool pool : pools) {
        out.writeUTF(pool.file);
        write(pool.prompt, out);
        out.writeInt(pool.completions.size());
        for (int i = 0; i < pool.completions.size(); i++) {
          write(pool.completions.get(i), out);
          out.writeInt(pool.kept.get(i));
        }
      }
    }
    Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Reads what {@link #write} wrote under the same key; empty if there is nothing of it. */
  static Optional<List<DrawnPool>> read(String key, Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      if (!in.readUTF().equals(key)) {
        return Optional.empty();
      }
      List<DrawnPool> pools = new ArrayList<>();
      for (int left = in.readInt(); left > 0; left--) {
        String name = in.readUTF();
        TokenIds prompt = tokens(in);
        List<TokenIds> completions = new ArrayList<>();
        List<Integer> kept = new ArrayList<>();
        for (int more = in.readInt(); more > 0; more--) {
          completions.add(tokens(in));
          kept.add(in.readInt());
        }
        pools.add(new DrawnPool(name, prompt, completions, kept));
      }
      return Optional.of(pools);
    } catch (EOFException e) {
      return Optional.empty();
    }
  }

  private static void write(TokenIds tokens, DataOutputStream out) throws IOException {
    out.writeInt(tokens.size());
    for (int i = 0; i < tokens.size(); i++) {
      out.writeInt(tokens.get(i));
    }
  }

  private static TokenIds tokens(DataInputStream in) throws IOException {
    int[] ids = new int[in.readInt()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = in.readInt();
    }
    return TokenIds.of(ids);
  }
}
