package io.ballast.standalone.cli;

import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.runtime.Role;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryIndexResponse.ModelIndex;
import io.ballast.mesh.v1.ModelSelector;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.net.http.HttpClient;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Looks at everything that the servers of a mesh say of themselves, and whether they agree. */
final class MeshExamination {
  /** What a clock of another machine may be ahead or behind without a word. */
  private static final Duration AGREES = Duration.ofSeconds(1);

  /** As far as servers bear with each other: early feedback on a suggestion is refused beyond. */
  private static final Duration BORNE = Duration.ofSeconds(5);

  private static final Duration SOON = Duration.ofDays(14);
  private static final Duration NOW = Duration.ofDays(2);

  private final MeshTarget target;
  private final List<ServerPlace> places;
  private final InstantSource clock;
  private final boolean parity;

  /**
   * @param parity whether rewards are proved, too
   */
  MeshExamination(
      MeshTarget target, List<ServerPlace> places, InstantSource clock, boolean parity) {
    this.target = target;
    this.places = places;
    this.clock = clock;
    this.parity = parity;
  }

  /** A process, which plays one role or several, and what it says. */
  private record Looked(String name, List<ServerPlace> places, Optional<ServerReading> reading) {
    ServerPlace place() {
      return places.getFirst();
    }
  }

  /** Looks at one thing after the other. */
  void run(Consumer<Finding> found) {
    List<Looked> all = new ArrayList<>();
    Map<String, List<ServerPlace>> processes =
        places.stream()
            .collect(
                Collectors.groupingBy(ServerPlace::grpc, LinkedHashMap::new, Collectors.toList()));
    try (HttpClient client = HttpClient.newBuilder().connectTimeout(target.timeout()).build()) {
      for (List<ServerPlace> played : processes.values()) {
        played.forEach(place -> found.accept(reachable(place)));
        all.add(read(client, played, found));
      }
    }
    found.accept(code(all));
    clocks(all).ifPresent(found);
    all.forEach(each -> certificate(each).ifPresent(found));
    models(found);
    for (Looked each : all) {
      each.reading()
          .ifPresent(reading -> new ServerExamination(each.name(), reading.metrics()).run(found));
    }
    if (parity) {
      places.stream()
          .filter(place -> place.role() == Role.REWARD_SERVER)
          .forEach(place -> found.accept(parity(place)));
    }
  }

  private static String name(List<ServerPlace> played) {
    return played.size() == Role.values().length
        ? "mesh"
        : played.stream().map(place -> place.role().label()).collect(Collectors.joining(", "));
  }

  private Finding reachable(ServerPlace place) {
    String subject = place.role().label();
    try (MeshTarget.Connection connection = target.connect(place.grpc())) {
      Instant asked = clock.instant();
      ServingStatus status =
          HealthGrpc.newBlockingStub(connection.channel())
              .withDeadlineAfter(target.timeout().toMillis(), TimeUnit.MILLISECONDS)
              .check(
                  HealthCheckRequest.newBuilder()
                      .setService(ServerPlace.service(place.role()))
                      .build())
              .getStatus();
      long millis = Duration.between(asked, clock.instant()).toMillis();
      return status == ServingStatus.SERVING
          ? Finding.good(subject, "serves at %s, answers in %,d ms".formatted(place.grpc(), millis))
          : Finding.broken(
              subject,
              "%s at %s".formatted(status, place.grpc()),
              "it is stopping, or still starting: see its log");
    } catch (StatusRuntimeException e) {
      return Finding.broken(
          subject,
          "does not answer at %s: %s".formatted(place.grpc(), e.getStatus().getCode()),
          "is it up, and is this its address? its log says why it ended; kubectl -n ballast get"
              + " pods; --server names another place");
    }
  }

  private Looked read(HttpClient client, List<ServerPlace> played, Consumer<Finding> found) {
    String http = played.getFirst().http();
    try {
      ServerReading reading = ServerReading.of(client, http, target.timeout(), clock);
      found.accept(ready(name(played), reading));
      return new Looked(name(played), played, Optional.of(reading));
    } catch (IOException e) {
      found.accept(
          Finding.weak(
              "health",
              "%s: no health and metrics at %s".formatted(name(played), http),
              "--http-port N or --server says where they are; what follows leaves it out"));
      return new Looked(name(played), played, Optional.empty());
    }
  }

  private static Finding ready(String name, ServerReading reading) {
    SortedSet<String> flaws = new TreeSet<>();
    reading
        .ready()
        .path("data")
        .properties()
        .forEach(
            entry -> {
              String said = entry.getValue().asText();
              switch (entry.getKey()) {
                case "servers", "grpc_port", "time" -> {}
                case "peers" -> {
                  if (!said.equals("connected")) {
                    flaws.add("peers " + said);
                  }
                }
                case "database" -> {
                  if (!said.equals("reachable")) {
                    flaws.add("database " + said);
                  }
                }
                default -> flaws.add(entry.getKey() + ": " + said);
              }
            });
    String detail = name + (flaws.isEmpty() ? ": ready" : ": " + String.join("; ", flaws));
    if (!reading.ready().path("status").asText().equals("UP")) {
      return Finding.broken("health", detail, "it is sent no calls until that is mended");
    }
    return flaws.isEmpty()
        ? Finding.good("health", detail)
        : Finding.weak("health", detail, "all else is answered; its log says more");
  }

  private static Finding code(List<Looked> all) {
    SortedMap<String, SortedSet<String>> builds = new TreeMap<>();
    for (Looked each : all) {
      each.reading().stream()
          .flatMap(reading -> reading.metrics().series("ballast_build_info"))
          .forEach(
              series ->
                  builds
                      .computeIfAbsent(
                          series.label("release") + ", commit " + series.label("commit"),
                          build -> new TreeSet<>())
                      .add(each.name()));
    }
    if (builds.isEmpty()) {
      return Finding.weak("code", "no server says what it runs", "is it of an older release?");
    }
    if (builds.size() > 1) {
      return Finding.broken(
          "code",
          builds.entrySet().stream()
              .map(build -> "%s: %s".formatted(String.join(", ", build.getValue()), build.getKey()))
              .collect(Collectors.joining("; ")),
          "finish the rollout or undo it: kubectl -n ballast rollout status deployment/SERVER");
    }
    String build = builds.firstKey();
    CodeVersion own = CodeVersion.built();
    return build.equals(own.release() + ", commit " + own.commit().orElse("unknown"))
        ? Finding.good("code", build)
        : Finding.weak(
            "code",
            build + "; this command: " + own,
            "commands of another build may ask for what it does not know");
  }

  /** Whether the servers' clocks agree with each other, and with this machine's. */
  private static Optional<Finding> clocks(List<Looked> all) {
    TreeMap<Duration, String> ahead = new TreeMap<>();
    all.forEach(
        each ->
            each.reading()
                .flatMap(ServerReading::ahead)
                .ifPresent(by -> ahead.put(by, each.name())));
    if (ahead.isEmpty()) {
      return Optional.empty();
    }
    Duration apart = ahead.lastKey().minus(ahead.firstKey());
    if (apart.compareTo(BORNE) > 0) {
      return Optional.of(
          Finding.broken(
              "clocks",
              "%s is %s ahead of %s"
                  .formatted(
                      ahead.lastEntry().getValue(), seconds(apart), ahead.firstEntry().getValue()),
              "have both keep time (chrony, systemd-timesyncd): feedback on what was just suggested"
                  + " is refused meanwhile"));
    }
    Duration off =
        ahead.lastKey().abs().compareTo(ahead.firstKey().abs()) >= 0
            ? ahead.lastKey()
            : ahead.firstKey();
    if (off.abs().compareTo(AGREES) > 0) {
      return Optional.of(
          Finding.weak(
              "clocks",
              "%s is %s %s this machine"
                  .formatted(
                      ahead.get(off), seconds(off.abs()), off.isNegative() ? "behind" : "ahead of"),
              "one of the two does not keep time"));
    }
    return Optional.of(Finding.good("clocks", "within " + seconds(off.abs()) + " of this machine"));
  }

  private static String seconds(Duration duration) {
    return DurationText.of(duration.toMillis() / 1e3);
  }

  private Optional<Finding> certificate(Looked each) {
    ServerPlace place = each.place();
    return TlsLook.certificate(place.host(), place.port(), target.timeout())
        .map(shown -> expiry(each.name(), shown));
  }

  private Finding expiry(String name, X509Certificate shown) {
    Instant end = shown.getNotAfter().toInstant();
    Duration left = Duration.between(clock.instant(), end);
    String detail =
        "%s: %s, until %s".formatted(name, shown.getSubjectX500Principal().getName(), end);
    String mend = "renew it: its files are read again while the server runs";
    if (left.compareTo(NOW) < 0) {
      return Finding.broken("certificate", detail, mend);
    }
    return left.compareTo(SOON) < 0
        ? Finding.weak("certificate", detail, mend)
        : Finding.good("certificate", detail);
  }

  /** Whether each model can be asked, and the replicas of a role know the same ones. */
  private void models(Consumer<Finding> found) {
    Map<Role, Map<SortedSet<String>, String>> known = new TreeMap<>();
    int count = 0;
    for (ServerPlace place : places) {
      if (place.role() == Role.ORCHESTRATOR) {
        continue; // it serves none
      }
      try (MeshTarget.Connection connection = target.connect(place.grpc())) {
        SortedSet<String> names = new TreeSet<>();
        for (ModelIndex model :
            GRPCInferenceServiceGrpc.newBlockingStub(connection.channel())
                .withDeadlineAfter(target.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .repositoryIndex(RepositoryIndexRequest.getDefaultInstance())
                .getModelsList()) {
          String name = model.getName() + "/" + model.getVersion();
          if (model.getState().equals("UNAVAILABLE")) {
            found.accept(
                Finding.weak(
                    "models",
                    "%s at %s: %s".formatted(name, place.grpc(), model.getReason()),
                    "calls that name it fail; all else is answered"));
          }
          names.add(name);
        }
        count = Math.max(count, names.size());
        known.computeIfAbsent(place.role(), role -> new LinkedHashMap<>()).put(names, place.grpc());
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) { // else that is said already
          found.accept(untold(place, e.getStatus()));
        }
      }
    }
    boolean same = true;
    for (Map.Entry<Role, Map<SortedSet<String>, String>> of : known.entrySet()) {
      if (of.getValue().size() > 1) {
        same = false;
        found.accept(
            Finding.broken(
                "models",
                "replicas of the %s know different ones: %s"
                    .formatted(of.getKey().label(), differences(of.getValue())),
                "have all of them see the same folders, or finish the rollout"));
      }
    }
    if (same && count > 0) {
      found.accept(Finding.good("models", "%,d versions known".formatted(count)));
    }
  }

  private static Finding untold(ServerPlace place, Status status) {
    return Finding.weak(
        "models",
        "%s does not tell which it knows: %s".formatted(place.grpc(), status.getCode()),
        switch (status.getCode()) {
          case UNAUTHENTICATED, PERMISSION_DENIED ->
              "show a token that may ask it: export BALLAST_TOKEN=…";
          case UNIMPLEMENTED -> "is it of an older release?";
          default -> "its log says more";
        });
  }

  private static String differences(Map<SortedSet<String>, String> known) {
    return known.entrySet().stream()
        .map(
            each -> {
              SortedSet<String> only = new TreeSet<>(each.getKey());
              known.keySet().stream()
                  .filter(other -> !other.equals(each.getKey()))
                  .forEach(only::removeAll);
              return "%s only %s".formatted(each.getValue(), only);
            })
        .collect(Collectors.joining("; "));
  }

  /** Whether the default ensemble scores as it was published; the first of what is worst. */
  private Finding parity(ServerPlace place) {
    List<Finding> findings = new ArrayList<>();
    try (MeshTarget.Connection connection = target.connect(place.grpc())) {
      RewardProbe probe =
          new RewardProbe(
              connection.channel(),
              target.metadata(),
              ModelSelector.getDefaultInstance(),
              target.timeout());
      new RewardExamination(probe, RewardExamination.TOLERANCE, 1).run(findings::add);
    } catch (StatusRuntimeException | CommandFailure e) {
      CommandFailure said = Failures.of(e, place.grpc());
      return Finding.weak(
          "parity",
          said.exit() == Exit.UNREACHABLE
              ? "does not answer at %s: %s".formatted(place.grpc(), said.reason())
              : place.grpc() + ": " + said.line(),
          "./mesh doctor reward --target %s says more; --no-parity leaves it out"
              .formatted(place.grpc()));
    }
    return findings.stream()
        .filter(finding -> finding.health() != Finding.Health.GOOD)
        .max(Comparator.comparing(Finding::health)) // of equals the first
        .map(
            worst ->
                new Finding(
                    "parity",
                    worst.health(),
                    "%s: %s: %s".formatted(place.grpc(), worst.subject(), worst.detail()),
                    worst.mend()))
        .orElseGet(
            () ->
                Finding.good(
                    "parity", "%s: the reward scores as it was published".formatted(place.grpc())));
  }
}
