package io.ballast.reward.component;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The composites of this server. Thread-safe. */
public final class CompositeCatalog {
  private static final Comparator<Composite> BY_NAME =
      Comparator.comparing((Composite each) -> each.id().model())
          .thenComparing(each -> each.id().version(), PinnedVersion.BY_AGE);

  private final CompositeSource source;
  private final String defaultModel;
  private final String servingVersion;
  private final Map<String, String> serving = new ConcurrentHashMap<>();
  private volatile List<Composite> known = List.of();

  /**
   * Looks for them.
   *
   * @param defaultModel the name that is meant when a request names none
   * @param servingVersion where its alias "serving" points; of another name it is what was the
   *     newest when the name first came up
   */
  public CompositeCatalog(CompositeSource source, String defaultModel, String servingVersion) {
    this.source = source;
    this.defaultModel = defaultModel;
    this.servingVersion = servingVersion;
    refresh();
  }

  /** Looks again for versions that may have come or gone since. */
  public void refresh() {
    List<Composite> found = source.look().stream().sorted(BY_NAME).toList();
    known = found;
    found.stream()
        .map(each -> each.id().model())
        .distinct()
        .forEach(
            name -> {
              var unused = serving(name);
            });
  }

  /** All, by name and version. */
  public List<Composite> list() {
    return known;
  }

  /** The composite that {@code selector} means, if it is one that is known. */
  public Optional<Composite> find(VersionSelector selector) {
    String name = selector.model().isEmpty() ? defaultModel : selector.model();
    return switch (selector.kind()) {
      case VERSION -> find(name, selector.name());
      case ALIAS ->
          !selector.name().equals(VersionSelector.SERVING)
              ? Optional.empty()
              : name.equals(defaultModel) ? find(name, servingVersion) : serving(name);
    };
  }

  /**
   * Why {@code selector}, which means none that is known, means none; empty if its name is that of
   * no composite, or it names an alias that no model has.
   */
  public Optional<MeshException> missing(VersionSelector selector) {
    String name = selector.model().isEmpty() ? defaultModel : selector.model();
    List<String> versions =
        known.stream()
            .filter(each -> each.id().model().equals(name))
            .map(each -> each.id().version())
            .toList();
    boolean version = selector.kind() == VersionSelector.Kind.VERSION;
    if (versions.isEmpty() || !version && !selector.name().equals(VersionSelector.SERVING)) {
      return Optional.empty();
    }
    String wanted = version ? selector.name() : servingVersion;
    return Optional.of(
        new MeshException(
            Fault.UNKNOWN_MODEL,
            "reward_model.version: '%s': composite %s has no such version (it has: %s)"
                .formatted(wanted, name, String.join(", ", versions)),
            Map.of("reward_model.version", wanted)));
  }

  /** As with ensembles, a version that appears moves no alias: it stays where it first was. */
  private Optional<Composite> serving(String name) {
    Optional<Composite> before =
        Optional.ofNullable(serving.get(name)).flatMap(version -> find(name, version));
    if (before.isPresent()) {
      return before;
    }
    Optional<Composite> newest =
        known.stream()
            .filter(each -> each.id().model().equals(name))
            .reduce((older, newer) -> newer);
    newest.ifPresent(each -> serving.put(name, each.id().version()));
    return newest;
  }

  private Optional<Composite> find(String name, String version) {
    return known.stream()
        .filter(each -> each.id().model().equals(name) && each.id().version().equals(version))
        .findFirst();
  }
}
