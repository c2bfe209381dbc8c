package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.safety.adapter.DecisionFile;
import io.ballast.safety.adapter.GrpcDecisionLog;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.UnusableLogException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which decisions are read: those that a mesh has recorded, or those of a file. */
final class DecisionOptions {
  @Option(
      names = "--from",
      paramLabel = "FILE",
      description =
          "Decisions as JSON lines, plain or gzip, in place of those that the mesh has recorded;"
              + " docs/gate.md says what a line holds.")
  private @Nullable Path file;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description = "Only decisions of this time or later, such as 2026-05-01T00:00:00Z.")
  private @Nullable String since;

  @Option(
      names = "--all-tenants",
      description = "Those for all tenants; else those for --tenant alone.")
  private boolean allTenants;

  @Mixin private MeshTarget target;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  DecisionOptions(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  /** What is read, for a reader. */
  String source() {
    String name = file == null ? "the feedback log of a mesh" : String.valueOf(file.getFileName());
    return since == null ? name : name + " since " + since;
  }

  /** The options that read the same again. */
  String again() {
    return (file == null ? "" : " --from " + file.getFileName())
        + (since == null ? "" : " --since " + since)
        + (allTenants ? " --all-tenants" : "");
  }

  /** Reads the decisions. */
  List<LoggedSuggestion> read() throws IOException, UnusableLogException {
    Optional<Instant> from = from();
    if (file != null) {
      List<LoggedSuggestion> all = DecisionFile.read(InputFile.require(file));
      if (from.isPresent()) {
        requireTimes(all, "--since");
      }
      return all.stream()
          .filter(each -> from.isEmpty() || !each.decided().isBefore(from.get()))
          .toList();
    }
    List<LoggedSuggestion> log = new ArrayList<>();
    try (MeshTarget.Connection mesh =
        target.connect(Role.POLICY_SERVER, FeedbackServiceGrpc.SERVICE_NAME)) {
      new GrpcDecisionLog(mesh.channel()).read(target.metadata(), from, allTenants, log::add);
    }
    return log;
  }

  /** Whether only decisions of some time or later are read. */
  boolean hasSince() {
    return since != null;
  }

  /** Refuses decisions that do not say when they were taken. */
  static void requireTimes(List<LoggedSuggestion> log, String purpose) throws UnusableLogException {
    long without = log.stream().filter(each -> each.decided().equals(Instant.EPOCH)).count();
    if (without > 0) {
      throw new UnusableLogException(
          "%,d of %,d decisions have no decision_time (expected: all, for %s)"
              .formatted(without, log.size(), purpose));
    }
  }

  private Optional<Instant> from() {
    try {
      return Optional.ofNullable(since).map(Instant::parse);
    } catch (DateTimeParseException e) {
      throw new ParameterException(
          spec.commandLine(),
          "--since: '" + since + "' (expected: a time such as 2026-05-01T00:00:00Z)",
          e);
    }
  }
}
