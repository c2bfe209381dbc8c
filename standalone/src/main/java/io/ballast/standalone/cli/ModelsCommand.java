package io.ballast.standalone.cli;

import com.google.protobuf.Timestamp;
import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.CanaryPlan;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.ListVersionsResponse;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Versions of the policy, and the aliases that point to them. */
@Command(
    name = "models",
    mixinStandardHelpOptions = true,
    description =
        "Versions and aliases of the policy; certificates; the model folders of this machine."
            + " Without a subcommand: list.")
final class ModelsCommand implements Callable<Integer> {
  private static final int MOST_TESTS = 1_000;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneId.systemDefault());

  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new ModelsCommand())
        .addSubcommand(new ListModels(context))
        .addSubcommand(new Aliases(context))
        .addSubcommand(new Promote(context))
        .addSubcommand(new RollBack(context))
        .addSubcommand(new EndCanaryCommand(context))
        .addSubcommand(new BreakGlassCommand(context))
        .addSubcommand(new CertificateCommand(context))
        .addSubcommand(new RegisterCommand(context))
        .addSubcommand(new ModelFoldersCommand(context))
        .addSubcommand(new ShowModelCommand(context))
        .addSubcommand(new EncodeCommand(context))
        .addSubcommand(new ExportCommand(context));
  }

  @Override
  public Integer call() {
    return Objects.requireNonNull(spec.commandLine().getSubcommands().get("list")).execute();
  }

  static MeshTarget.Connection connect(MeshTarget target) {
    return target.connect(Role.POLICY_SERVER, VersionServiceGrpc.SERVICE_NAME);
  }

  static VersionServiceBlockingStub versions(MeshTarget.Connection mesh) {
    return VersionServiceGrpc.newBlockingStub(mesh.channel())
        .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS);
  }

  static SafetyServiceBlockingStub safety(MeshTarget.Connection mesh) {
    return SafetyServiceGrpc.newBlockingStub(mesh.channel())
        .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS);
  }

  static String time(Timestamp time) {
    return time.getSeconds() == 0 ? "–" : TIME.format(Instant.ofEpochSecond(time.getSeconds()));
  }

  private static String allowedBy(AliasMove move) {
    if (!move.getActor().isEmpty()) {
      return "by " + move.getActor() + ": " + move.getReason();
    }
    if (!move.getCanaryVersion().isEmpty()) {
      return "%s, %s of requests%s%s"
          .formatted(
              move.getCanaryVersion(),
              percent(move.getCanaryShare()),
              move.getReason().isEmpty() ? "" : ": " + move.getReason(),
              move.getCertificateId().isEmpty() ? "" : ", certificate " + move.getCertificateId());
    }
    return move.getCertificateId().isEmpty() ? "" : "certificate " + move.getCertificateId();
  }

  static String aliasLine(PolicyAlias alias) {
    String pointed = alias.getModel() + ": " + alias.getAlias() + " → " + alias.getVersion();
    return alias.hasCanary()
        ? "%s; canary %s, %s of requests since %s"
            .formatted(
                pointed,
                alias.getCanary().getVersion(),
                percent(alias.getCanary().getShare()),
                time(alias.getCanary().getStartTime()))
        : pointed;
  }

  private static String percent(double share) {
    return BigDecimal.valueOf(share).movePointRight(2).stripTrailingZeros().toPlainString() + " %";
  }

  /** Where an alias points now. */
  static String current(
      VersionServiceBlockingStub versions, MeshTarget target, String model, String alias) {
    return versions
        .listAliases(
            ListAliasesRequest.newBuilder().setMetadata(target.metadata()).setModel(model).build())
        .getAliasesList()
        .stream()
        .filter(a -> a.getAlias().equals(alias))
        .map(PolicyAlias::getVersion)
        .findFirst()
        .orElseThrow(
            () ->
                new CommandFailure(
                    Exit.FAILED,
                    "UNKNOWN_MODEL",
                    "no alias " + alias + "; ./mesh models aliases shows them"));
  }

  /** All versions of a model. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Lists a model's versions, newest first, with the aliases that point to them.")
  static final class ListModels implements Callable<Integer> {
    @Option(
        names = "--model",
        paramLabel = "NAME",
        defaultValue = "",
        description = "The model (default: the server's).")
    private String model = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ListModels(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        ListVersionsResponse answer =
            versions(mesh)
                .listVersions(
                    ListVersionsRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setModel(model)
                        .build());
        List<PolicyAlias> aliases =
            versions(mesh)
                .listAliases(
                    ListAliasesRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setModel(model)
                        .build())
                .getAliasesList();
        printing.document(answer);
        TextTable table =
            TextTable.headed("model", "version", "aliases", "from", "registered", "weights", "run");
        for (PolicyVersion version : answer.getVersionsList()) {
          String id = version.getVersion().getVersion();
          table.row(
              version.getVersion().getModel(),
              id,
              aliases.stream()
                  .filter(alias -> alias.getVersion().equals(id))
                  .map(PolicyAlias::getAlias)
                  .collect(Collectors.joining(", ")),
              version.getParentVersion().isEmpty() ? "–" : version.getParentVersion(),
              time(version.getRegisterTime()),
              Excerpt.of(version.getVersion().getWeightsSha256(), 13),
              version.getRunId().isEmpty() ? "–" : version.getRunId());
        }
        printing.table(table);
        return Exit.OK.code();
      }
    }
  }

  /** All aliases with their moves. */
  @Command(
      name = "aliases",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Shows where aliases point and how they came there.")
  static final class Aliases implements Callable<Integer> {
    @Option(
        names = "--model",
        paramLabel = "NAME",
        defaultValue = "",
        description = "The model (default: the server's).")
    private String model = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Aliases(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        ListAliasesResponse answer =
            versions(mesh)
                .listAliases(
                    ListAliasesRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setModel(model)
                        .build());
        printing.document(answer);
        for (PolicyAlias alias : answer.getAliasesList()) {
          printing.line(aliasLine(alias));
          TextTable table = TextTable.plain();
          for (AliasMove move : alias.getMovesList()) {
            table.row(
                "  " + time(move.getMoveTime()),
                move.getKind().replace('_', ' '),
                (move.getFromVersion().isEmpty() ? "–" : move.getFromVersion())
                    + " → "
                    + move.getToVersion(),
                allowedBy(move));
          }
          printing.table(table);
        }
        return Exit.OK.code();
      }
    }
  }

  /** Points an alias to a version that has a certificate. */
  @Command(
      name = "promote",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Points an alias to a version that passed its safety test.",
      footer = {"", "Exit code 4: no certificate, or the alias moved on."})
  static final class Promote implements Callable<Integer> {
    @Mixin private AliasMoveOptions move = new AliasMoveOptions();

    @Option(
        names = "--certificate",
        paramLabel = "ID",
        description = "The certificate (default: of its newest test that passed).")
    private @Nullable String certificate;

    @Option(
        names = "--canary",
        paramLabel = "SHARE",
        description =
            "Serve this part of the requests with it, 0.0001 to 0.5, and leave the alias where it is"
                + " until end-canary (default: the alias moves at once).")
    private @Nullable Double canary;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Promote(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        VersionServiceBlockingStub versions = versions(mesh);
        PromoteAliasRequest.Builder request =
            PromoteAliasRequest.newBuilder()
                .setMetadata(target.keyedMetadata(null))
                .setModel(move.model())
                .setAlias(move.alias())
                .setExpectedVersion(move.expected(versions, target))
                .setNewVersion(move.version())
                .setCertificateId(certificate == null ? newestCertificate() : certificate);
        if (canary != null) {
          request.setCanary(CanaryPlan.newBuilder().setShare(canary));
        }
        PolicyAlias moved = versions.promoteAlias(request.build()).getAlias();
        printing.document(moved);
        printing.line(
            aliasLine(moved)
                + (canary == null
                    ? "; undo: ./mesh models rollback"
                    : "; end it: ./mesh models end-canary"));
        return Exit.OK.code();
      }
    }

    private String newestCertificate() {
      try (MeshTarget.Connection mesh =
          target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME)) {
        return safety(mesh)
            .listSafetyTests(
                ListSafetyTestsRequest.newBuilder()
                    .setMetadata(target.metadata())
                    .setPageSize(MOST_TESTS)
                    .build())
            .getTestsList()
            .stream()
            .filter(test -> test.getState() == SafetyTestState.SAFETY_TEST_STATE_PASSED)
            .filter(test -> test.getCandidate().getVersion().equals(move.version()))
            .filter(
                test ->
                    move.model().isEmpty() || test.getCandidate().getModel().equals(move.model()))
            .map(SafetyTest::getCertificateId)
            .findFirst()
            .orElseThrow(
                () ->
                    new CommandFailure(
                        Exit.REFUSED,
                        "SAFETY_GATE_CLOSED",
                        "no safety test of "
                            + move.version()
                            + " has passed; without a certificate nothing is promoted"));
      }
    }
  }

  /** Points an alias back. */
  @Command(
      name = "rollback",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Points an alias back to the version that served before; again: further back.")
  static final class RollBack implements Callable<Integer> {
    @Option(
        names = "--expected",
        paramLabel = "VERSION",
        defaultValue = "",
        description = "Only if the alias points here now (default: wherever).")
    private String expected = "";

    @Mixin private AliasOptions which = new AliasOptions();

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    RollBack(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        PolicyAlias moved =
            versions(mesh)
                .rollBackAlias(
                    RollBackAliasRequest.newBuilder()
                        .setMetadata(target.keyedMetadata(null))
                        .setModel(which.model())
                        .setAlias(which.alias())
                        .setExpectedVersion(expected)
                        .build())
                .getAlias();
        printing.document(moved);
        printing.line(aliasLine(moved));
        return Exit.OK.code();
      }
    }
  }
}
