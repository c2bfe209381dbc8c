package io.ballast.loadtest.scenario;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Reads a scenario: YAML, of which JSON is a part. What is wrong is named by its key, with what is
 * allowed.
 */
public final class ScenarioReader {
  private static final YAMLMapper YAML =
      new YAMLMapper(
          YAMLFactory.builder()
              .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
              .enable(YAMLParser.Feature.PARSE_BOOLEAN_LIKE_WORDS_AS_STRINGS) // gate: OFF
              .build());

  private static final String[] CHECKS = {"feedback_kept", "memory_growth"};
  private static final Duration TICK = Duration.ofMillis(1);
  private static final Duration DAY = Duration.ofHours(24);
  private static final double MOST_RATE = 50_000;
  private static final int MOST_PHASES = 100;
  private static final int MOST_STEPS = 32;
  private static final int MOST_SLOS = 64;
  private static final int MOST_FAULTS = 1_000;
  private static final int MOST_CALLS = 10_000_000;

  private final Path folder;
  private final List<String> prompts;

  /**
   * @param folder where the files lie that a scenario names
   * @param prompts of a scenario that names none
   */
  public ScenarioReader(Path folder, List<String> prompts) {
    this.folder = folder;
    this.prompts = List.copyOf(prompts);
  }

  /**
   * Reads a file; what it names lies beside it.
   *
   * @throws IllegalArgumentException naming the key that is wrong
   */
  public static LoadScenario read(Path file, List<String> prompts) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new IllegalArgumentException("scenario: cannot read " + file + ": " + e, e);
    }
    Path parent = file.toAbsolutePath().getParent();
    return new ScenarioReader(parent == null ? Path.of("") : parent, prompts).read(text);
  }

  /**
   * Reads a text.
   *
   * @throws IllegalArgumentException naming the key that is wrong
   */
  public LoadScenario read(String text) {
    JsonNode tree;
    try {
      tree = YAML.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "scenario: no YAML: " + e.getOriginalMessage() + where(e), e);
    }
    return scenario(
        YamlNode.root(
            tree,
            "name",
            "seed",
            "arrivals",
            "trace",
            "phases",
            "mix",
            "prompts",
            "max_in_flight",
            "max_calls",
            "slos",
            "checks",
            "faults",
            "generator"));
  }

  private static String where(JsonProcessingException e) {
    return e.getLocation() == null
        ? ""
        : " (line %d, column %d)"
            .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
  }

  private LoadScenario scenario(YamlNode root) {
    Spread spread = root.choice("arrivals", Spread.POISSON);
    if (root.has("trace") != (spread == Spread.TRACE)) {
      throw root.flaw(
          "trace", root.has("trace") ? "given" : "absent", "a file, with arrivals: TRACE alone");
    }
    List<Phase> phases = phases(root, spread);
    List<CallStep> mix = mix(root);
    return new LoadScenario(
        root.name("name", "load"),
        root.integer("seed", 1, Long.MIN_VALUE / 2, Long.MAX_VALUE / 2),
        spread,
        spread == Spread.TRACE ? trace(root) : List.of(),
        phases,
        mix,
        root.has("prompts") ? prompts(root) : prompts,
        (int) root.integer("max_in_flight", 256, 1, 10_000),
        root.integer("max_calls", 1_000_000, 1, MOST_CALLS),
        slos(root, mix),
        root.child("checks", CHECKS).flag("feedback_kept", false),
        memoryGrowth(root.child("checks", CHECKS)),
        faults(root, phases),
        generator(root.child("generator", "send_delay_p99", "headroom", "calibration")));
  }

  private static List<Phase> phases(YamlNode root, Spread spread) {
    List<Phase> phases = new ArrayList<>();
    Set<String> names = new HashSet<>();
    Duration all = Duration.ZERO;
    for (YamlNode node :
        root.children(
            "phases",
            MOST_PHASES,
            "name",
            "shape",
            "rate",
            "from",
            "to",
            "peak",
            "duration",
            "measured")) {
      Phase phase = phase(node, spread, phases.size());
      if (!names.add(phase.name())) {
        throw node.flaw("name", phase.name(), "a name that no other phase has");
      }
      phases.add(phase);
      all = all.plus(phase.duration());
    }
    if (phases.stream().noneMatch(Phase::measured)) {
      throw root.flaw("phases", "none is measured", "at least one");
    }
    if (all.compareTo(DAY) > 0) {
      throw root.flaw("phases", "together " + all, "at most 24 hours");
    }
    return phases;
  }

  private static Phase phase(YamlNode node, Spread spread, int index) {
    Phase.Shape shape = node.choice("shape", Phase.Shape.HOLD);
    String name = node.name("name", shape.name().toLowerCase(Locale.ROOT) + "-" + index);
    Duration duration = node.requiredDuration("duration", Duration.ofMillis(100), DAY);
    boolean measured = node.flag("measured", true);
    if (spread == Spread.TRACE) {
      forbid(node, "arrivals: TRACE says when calls come", "rate", "from", "to", "peak");
      return new Phase(name, shape, 0, 0, duration, measured);
    }
    return switch (shape) {
      case HOLD, SOAK -> {
        forbid(node, "a " + shape + " has a rate", "from", "to", "peak");
        double rate = rate(node, "rate");
        yield new Phase(name, shape, rate, rate, duration, measured);
      }
      case RAMP -> {
        forbid(node, "a RAMP goes from: to:", "rate", "peak");
        yield new Phase(name, shape, rate(node, "from"), rate(node, "to"), duration, measured);
      }
      case SPIKE -> {
        forbid(node, "a SPIKE has a rate and a peak", "from", "to");
        yield new Phase(name, shape, rate(node, "rate"), rate(node, "peak"), duration, measured);
      }
    };
  }

  private static void forbid(YamlNode node, String why, String... keys) {
    for (String key : keys) {
      if (node.has(key)) {
        throw node.flaw(key, "given", "not here: " + why);
      }
    }
  }

  private static double rate(YamlNode node, String key) {
    return node.requiredNumber(key, 0, MOST_RATE, "0 to 50,000 calls a second");
  }

  private static List<CallStep> mix(YamlNode root) {
    List<CallStep> steps = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (YamlNode node :
        root.children(
            "mix",
            MOST_STEPS,
            "call",
            "name",
            "weight",
            "tenant",
            "priority",
            "timeout",
            "gate",
            "with_reward",
            "with_cost",
            "items",
            "read_every",
            "event",
            "probe",
            "probe_tolerance")) {
      CallStep step = step(node);
      if (!names.add(step.name())) {
        throw node.flaw("name", step.name(), "a name that no other call of the mix has");
      }
      steps.add(step);
    }
    if (steps.isEmpty()) {
      throw root.flaw("mix", "empty", "at least one call");
    }
    return steps;
  }

  private static CallStep step(YamlNode node) {
    CallKind kind = node.requiredChoice("call", CallKind.class);
    boolean suggests = kind == CallKind.SUGGEST || kind == CallKind.SUGGEST_STREAM;
    if (!suggests) {
      forbid(node, "of suggestions", "gate", "with_reward", "with_cost");
    }
    if (kind != CallKind.SCORE) {
      forbid(node, "of SCORE", "items", "probe_tolerance");
    }
    if (kind != CallKind.SUGGEST_STREAM) {
      forbid(node, "of SUGGEST_STREAM", "read_every");
    }
    if (kind != CallKind.FEEDBACK) {
      forbid(node, "of FEEDBACK", "event");
    }
    if (kind != CallKind.SUGGEST && kind != CallKind.SCORE) {
      forbid(node, "of SUGGEST and SCORE", "probe");
    }
    return new CallStep(
        node.name("name", kind.name()),
        kind,
        node.number("weight", 1, Double.MIN_NORMAL, 1e6, "above 0, at most 1,000,000"),
        node.name("tenant", "loadtest"),
        node.choice("priority", Lane.INTERACTIVE),
        node.duration("timeout", Duration.ofSeconds(10), TICK, Duration.ofMinutes(5)),
        node.choice("gate", Gate.ENFORCE),
        node.flag("with_reward", false),
        node.flag("with_cost", false),
        (int) node.integer("items", 8, 1, 4_096),
        node.duration("read_every", Duration.ZERO, Duration.ZERO, Duration.ofMinutes(1)),
        node.choice("event", FeedbackKind.ACCEPTED),
        node.flag("probe", false),
        node.number("probe_tolerance", 0, 0, 1, "0 to 1"));
  }

  private static List<Slo> slos(YamlNode root, List<CallStep> mix) {
    List<Slo> slos = new ArrayList<>();
    for (YamlNode node :
        root.children(
            "slos",
            MOST_SLOS,
            "of",
            "p50",
            "p90",
            "p99",
            "p99_9",
            "error_budget",
            "degraded",
            "goodput",
            "within")) {
      String of = node.text("of", "");
      if (!of.isEmpty() && mix.stream().noneMatch(step -> step.name().equals(of))) {
        throw node.flaw(
            "of", of, "one of " + String.join(", ", mix.stream().map(CallStep::name).toList()));
      }
      int before = slos.size();
      percentile(node, of, "p50", 50, slos);
      percentile(node, of, "p90", 90, slos);
      percentile(node, of, "p99", 99, slos);
      percentile(node, of, "p99_9", 99.9, slos);
      double within = seconds(node, "within", Double.POSITIVE_INFINITY);
      if (node.has("error_budget")) {
        double share = node.number("error_budget", 0, 0, 1, "a share, 0 to 1");
        slos.add(new Slo(of, Slo.Measure.ERRORS, 0, share, within));
      }
      if (node.has("degraded")) {
        double share = node.number("degraded", 0, 0, 1, "a share, 0 to 1");
        slos.add(new Slo(of, Slo.Measure.DEGRADED, 0, share, Double.POSITIVE_INFINITY));
      }
      if (node.has("goodput")) {
        double least = node.number("goodput", 0, 0, MOST_RATE, "0 to 50,000 answers a second");
        slos.add(new Slo(of, Slo.Measure.GOODPUT, 0, least, within));
      }
      if (slos.size() == before) {
        throw node.flaw(
            "p99",
            "absent",
            "at least one of p50, p90, p99, p99_9, error_budget, degraded, goodput");
      }
    }
    return slos;
  }

  private static void percentile(
      YamlNode node, String of, String key, double percentile, List<Slo> slos) {
    if (node.has(key)) {
      slos.add(
          new Slo(
              of,
              Slo.Measure.LATENCY,
              percentile,
              seconds(node, key, 0),
              Double.POSITIVE_INFINITY));
    }
  }

  private static double seconds(YamlNode node, String key, double otherwise) {
    return node.has(key)
        ? node.duration(key, TICK, Duration.ofNanos(1_000), Duration.ofHours(1)).toNanos() / 1e9
        : otherwise;
  }

  private static OptionalDouble memoryGrowth(YamlNode checks) {
    return checks.has("memory_growth")
        ? OptionalDouble.of(checks.number("memory_growth", 0, 0, 10, "a share, 0 to 10"))
        : OptionalDouble.empty();
  }

  private static List<Fault> faults(YamlNode root, List<Phase> phases) {
    Duration end = phases.stream().map(Phase::duration).reduce(Duration.ZERO, Duration::plus);
    List<Fault> faults = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (YamlNode node : root.children("faults", MOST_FAULTS, "name", "at", "run", "timeout")) {
      String name = node.name("name", "fault-" + faults.size());
      if (!names.add(name)) {
        throw node.flaw("name", name, "a name that no other fault has");
      }
      faults.add(
          new Fault(
              name,
              node.requiredDuration("at", Duration.ZERO, end),
              node.requiredText("run", "a command for sh"),
              node.duration("timeout", Duration.ofSeconds(30), TICK, Duration.ofMinutes(10))));
    }
    return faults;
  }

  private static GeneratorLimits generator(YamlNode node) {
    return new GeneratorLimits(
        node.duration("send_delay_p99", Duration.ofMillis(20), TICK, Duration.ofSeconds(10)),
        node.number("headroom", 1.5, 1, 10, "1 to 10"),
        node.duration(
            "calibration", Duration.ofSeconds(1), Duration.ofMillis(100), Duration.ofSeconds(30)));
  }

  private List<Double> trace(YamlNode root) {
    List<Double> times = new ArrayList<>();
    List<String> lines = lines(root, "trace");
    for (int i = 0; i < lines.size(); i++) {
      double time;
      try {
        time = Double.parseDouble(lines.get(i).strip());
      } catch (NumberFormatException e) {
        throw root.flaw("trace", "line %d is no number".formatted(i + 1), "seconds, one a line");
      }
      if (!(time >= (times.isEmpty() ? 0 : times.getLast()) && time <= DAY.toSeconds())) {
        throw root.flaw(
            "trace", "line %d: %s".formatted(i + 1, time), "never decreasing, 0 to 86,400 s");
      }
      times.add(time);
    }
    return times;
  }

  private List<String> prompts(YamlNode root) {
    return lines(root, "prompts").stream().map(line -> line.replace("\\n", "\n")).toList();
  }

  private List<String> lines(YamlNode root, String key) {
    Path file = folder.resolve(root.requiredText(key, "a file"));
    try {
      List<String> lines =
          Files.readAllLines(file).stream().filter(line -> !line.isBlank()).toList();
      if (lines.isEmpty()) {
        throw root.flaw(key, file + " is empty", "a line at least");
      }
      return lines;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "%s: cannot read %s: %s".formatted(root.pathOf(key), file, e), e);
    }
  }
}
