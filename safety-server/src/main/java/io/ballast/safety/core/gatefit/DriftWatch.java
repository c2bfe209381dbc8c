package io.ballast.safety.core.gatefit;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks from time to time whether what gates said of acceptance came true, for all tenants, and
 * says once of each week that it did not. Each replica looks for itself and changes nothing.
 */
public final class DriftWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DriftWatch.class);
  private static final double NANOS = 1e9;

  /** Where decisions come from. */
  @FunctionalInterface
  public interface Source {
    /**
     * Hands every decision of {@code since} or later to {@code sink}, the oldest first.
     *
     * @throws io.ballast.kit.error.MeshException if the log cannot be read
     */
    void read(Instant since, Consumer<LoggedSuggestion> sink);
  }

  private final Source source;
  private final DriftSettings settings;
  private final InstantSource clock;
  private final Instant begin;
  private final Map<LocalDate, GateDrift> judged = new ConcurrentSkipListMap<>();
  private volatile @Nullable Instant lookedAt;
  private final ScheduledExecutorService background =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofVirtual().name("gate-drift-", 0).factory());

  /** A watch over the decisions of {@code source}. */
  public DriftWatch(Source source, DriftSettings settings, InstantSource clock) {
    this.source = source;
    this.settings = settings;
    this.clock = clock;
    this.begin = clock.instant();
  }

  /** Looks from now on, each interval, in the background; does nothing if it is set to. */
  public void start() {
    if (settings.interval().isPositive()) {
      long nanos = settings.interval().toNanos();
      var unused =
          background.scheduleWithFixedDelay(this::lookQuietly, 0, nanos, TimeUnit.NANOSECONDS);
    }
  }

  private void lookQuietly() {
    try {
      look();
    } catch (RuntimeException e) { // the next look may succeed; the gauge of its age says so
      LOG.warn("whether what gates say comes true was not looked at: {}", e.getMessage());
    }
  }

  /**
   * Looks once: at every whole week (Monday to Sunday in UTC) of the window that is over and was
   * not looked at yet. So each is tested once, and the probability of a false alarm is that of one
   * look.
   *
   * @return what was looked at now, by its Monday
   * @throws io.ballast.kit.error.MeshException if the log cannot be read
   */
  public synchronized Map<LocalDate, GateDrift> look() {
    Instant now = clock.instant();
    LocalDate running = day(now).with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
    LocalDate first =
        day(now.minus(settings.window()).minusNanos(1))
            .with(TemporalAdjusters.next(DayOfWeek.MONDAY));
    judged.keySet().removeIf(monday -> monday.isBefore(first));
    SortedMap<LocalDate, List<GateDrift.Row>> open = new TreeMap<>();
    for (LocalDate monday = first; monday.isBefore(running); monday = monday.plusWeeks(1)) {
      if (!judged.containsKey(monday)) {
        open.put(monday, new ArrayList<>());
      }
    }
    Map<LocalDate, GateDrift> looked = new TreeMap<>();
    if (!open.isEmpty()) {
      source.read(
          open.firstKey().atStartOfDay(ZoneOffset.UTC).toInstant(), each -> keep(each, open));
      open.forEach((monday, rows) -> looked.put(monday, GateDrift.ofRows(rows, settings.alpha())));
      judged.putAll(looked);
      looked.values().forEach(DriftWatch::tell);
    }
    lookedAt = now;
    return looked;
  }

  private static LocalDate day(Instant time) {
    return LocalDate.ofInstant(time, ZoneOffset.UTC);
  }

  private static void keep(
      LoggedSuggestion logged, SortedMap<LocalDate, List<GateDrift.Row>> open) {
    LocalDate monday =
        day(logged.decided()).with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
    List<GateDrift.Row> rows = open.get(monday);
    if (rows != null) {
      GateDrift.Row.of(logged).ifPresent(rows::add);
    }
  }

  private static void tell(GateDrift drift) {
    drift.cells().stream()
        .filter(GateDrift.Cell::alarm)
        .forEach(
            cell ->
                LOG.warn(
                    "what the gate says to tenant {} no longer comes true: in {} it gave {} suggestions a probability of {} on average, and {} of them were kept; train the gate again",
                    cell.tenant(),
                    cell.week(),
                    cell.drift().rows(),
                    share(cell.drift().predicted()),
                    share(cell.drift().observed())));
  }

  private static String share(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  /** How many weeks of tenants in the window alarm; NaN before the first look. */
  public double alarms() {
    return lookedAt == null
        ? Double.NaN
        : judged.values().stream()
            .flatMap(drift -> drift.cells().stream())
            .filter(GateDrift.Cell::alarm)
            .count();
  }

  /** How long ago was the last look, in seconds, or the beginning; NaN if it is not watched. */
  public double unreadSeconds() {
    if (settings.interval().isZero()) {
      return Double.NaN;
    }
    Instant since = Optional.ofNullable(lookedAt).orElse(begin);
    return Duration.between(since, clock.instant()).toNanos() / NANOS;
  }

  @Override
  public void close() {
    background.shutdownNow();
  }
}
