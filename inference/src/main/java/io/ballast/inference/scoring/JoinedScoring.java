package io.ballast.inference.scoring;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Several sources as one. The first that has a model of a name answers for all its versions, so
 * that nobody is asked for what another has.
 *
 * @param <M> the model
 * @param <R> what comes of a completion
 */
public final class JoinedScoring<M extends ScoringModel, R> implements ScoringSource<M, R> {
  private final List<ScoringSource<M, R>> sources;

  /**
   * @param sources in the order in which they are asked; closed with this
   */
  public JoinedScoring(List<ScoringSource<M, R>> sources) {
    this.sources = List.copyOf(sources);
  }

  @Override
  public List<M> list() {
    List<M> all = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (ScoringSource<M, R> source : sources) {
      List<M> own =
          source.list().stream().filter(model -> !names.contains(model.id().model())).toList();
      all.addAll(own);
      own.forEach(model -> names.add(model.id().model()));
    }
    return List.copyOf(all);
  }

  /** The source that has models of this name. */
  private Optional<ScoringSource<M, R>> of(String model) {
    return sources.stream()
        .filter(source -> source.list().stream().anyMatch(each -> each.id().model().equals(model)))
        .findFirst();
  }

  @Override
  public void refresh(String model) {
    for (ScoringSource<M, R> source : sources) {
      source.refresh(model);
      if (source.list().stream().anyMatch(each -> each.id().model().equals(model))) {
        return;
      }
    }
  }

  @Override
  public void refreshElsewhere(String model) {
    of(model)
        .ifPresentOrElse(
            source -> source.refreshElsewhere(model),
            () -> sources.forEach(source -> source.refreshElsewhere(model)));
  }

  @Override
  public boolean isElsewhere(String model) {
    return of(model)
        .map(source -> source.isElsewhere(model))
        .orElseGet(() -> sources.stream().anyMatch(source -> source.isElsewhere(model)));
  }

  @Override
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>();
    Set<String> names = new HashSet<>();
    for (ScoringSource<M, R> source : sources) {
      source
          .flaws()
          .forEach(
              (subject, flaw) -> {
                if (!names.contains(subject.split(" ", 2)[0])) { // else another answers for it
                  flaws.putIfAbsent(subject, flaw);
                }
              });
      source.list().forEach(model -> names.add(model.id().model()));
    }
    return flaws;
  }

  @Override
  public Optional<KeptScores> golden(M model) {
    return of(model.id().model()).flatMap(source -> source.golden(model));
  }

  @Override
  public Opened<R> open(M model) {
    return of(model.id().model()).orElseThrow(() -> ScoringFaults.unknown(model.id())).open(model);
  }

  @Override
  public void close() {
    sources.forEach(ScoringSource::close);
  }
}
