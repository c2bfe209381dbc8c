package io.ballast.reward.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.reward.core.training.RewardTrainer;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.Training.ObjectiveResult;
import io.ballast.reward.core.training.Training.Phase;
import io.ballast.reward.core.training.Training.Progress;
import io.ballast.reward.core.training.TrainingException;
import io.ballast.reward.core.training.TrainingOrder;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardPublisher;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.UnusableDataException;
import io.ballast.training.reward.VersionName;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains on decoders of model folders, and publishes into the first of them.
 *
 * <p>It reads with few threads, and gives way between portions of texts and between passes.
 */
public final class FolderRewardTrainer implements RewardTrainer {
  private static final Logger LOG = LoggerFactory.getLogger(FolderRewardTrainer.class);

  /** The note that says which training made a version. */
  private static final String TRAINING_ID = "training_id";

  /** The note that says whose alone a version is. */
  private static final String OWNER = "owner_tenant";

  /** The note of how many judgements were left out, a fact of each training. */
  private static final String ROWS_LEFT_OUT = "rows_left_out";

  private static final Pattern COUNT = Pattern.compile("[0-9]{1,18}");

  private final List<Path> roots;
  private final Path work;
  private final int threads;
  private final Courtesy courtesy;
  private final ServingVersions serving;

  /**
   * @param roots folders of models; the first may be written
   * @param work folder for graphs while they are needed; nobody else's
   * @param threads to read texts with, ≥ 1
   * @param courtesy towards what waits to be scored
   * @param serving says which version of a trunk is meant where none is named
   */
  public FolderRewardTrainer(
      List<Path> roots, Path work, int threads, Courtesy courtesy, ServingVersions serving) {
    this.roots = List.copyOf(roots);
    this.work = work;
    this.threads = threads;
    this.courtesy = courtesy;
    this.serving = serving;
  }

  @Override
  public void requirePlace() {
    try {
      new ModelStore(roots.getFirst()).requireWritable();
    } catch (IOException e) {
      LOG.warn("no training can publish here: {}", e.toString());
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          ("this server's folder of models cannot be written (%s), and trainings publish there:"
                  + " train with ./mesh reward train where one can be")
              .formatted(StorageWords.of(e)),
          Map.of("folder", "models"));
    }
  }

  @Override
  public String trunk(TrainingOrder order) {
    StoredModel trunk = trunk(order.trunk(), roots.stream().map(ModelStore::new).toList());
    return trunk.name() + "/" + trunk.version();
  }

  @Override
  public Prepared prepare(TrainingOrder order, String trunk) {
    List<ModelStore> stores = roots.stream().map(ModelStore::new).toList();
    VersionName version;
    try {
      version = VersionName.of(order.name(), stores);
    } catch (IllegalArgumentException e) {
      throw Texts.malformed("plan.name", String.valueOf(e.getMessage()));
    }
    if (order.ownNamesOnly()) {
      requireOwn(version.model(), order, stores);
    }
    if (version.isTaken(stores)) {
      throw new MeshException(
          Fault.ALREADY_EXISTS,
          version + " is there already, and versions do not change; give another",
          Map.of("version", version.toString()));
    }
    return new Prepared(version, trunk);
  }

  /** Refuses a name that a version has which is not the owner's: it would serve in its place. */
  private static void requireOwn(String model, TrainingOrder order, List<ModelStore> stores) {
    boolean own =
        stores.stream()
            .flatMap(store -> store.list().stream())
            .filter(stored -> stored.name().equals(model))
            .allMatch(stored -> owner(stored).equals(order.owner()));
    if (!own) {
      throw new MeshException(
          Fault.FORBIDDEN,
          ("plan.name: '%s' has versions that %s did not train"
                  + " (expected: a new name, or one of its own)")
              .formatted(model, order.tenant()),
          Map.of("field", "plan.name", "model", model, "tenant", order.tenant()));
    }
  }

  private static Optional<String> owner(StoredModel stored) {
    try {
      return ModelManifest.read(stored.folder()).flatMap(manifest -> owner(manifest.notes()));
    } catch (ModelException e) { // whose it is cannot be told, so it is nobody's
      LOG.warn("whose {} {} is: {}", stored.name(), stored.version(), e.getMessage());
      return Optional.empty();
    }
  }

  /** The tenant whose alone a version with these notes is; empty: it is everybody's. */
  static Optional<String> owner(Map<String, String> notes) {
    return Optional.ofNullable(notes.get(OWNER));
  }

  private static Map<String, String> notes(UUID id, TrainingOrder order) {
    Map<String, String> notes = new TreeMap<>(Map.of(TRAINING_ID, id.toString()));
    order.owner().ifPresent(tenant -> notes.put(OWNER, tenant));
    return notes;
  }

  private StoredModel trunk(String named, List<ModelStore> stores) {
    int slash = named.indexOf('/');
    String name = slash < 0 ? named : named.substring(0, slash);
    List<StoredModel> versions =
        stores.stream()
            .flatMap(store -> store.list().stream())
            .filter(model -> model.name().equals(name))
            .filter(model -> slash < 0 || model.version().equals(named.substring(slash + 1)))
            .toList();
    List<String> names = versions.stream().map(StoredModel::version).distinct().toList();
    if (names.isEmpty()) {
      throw new MeshException(
          Fault.UNKNOWN_MODEL,
          "plan.trunk: '%s': there is no such decoder".formatted(named),
          Map.of("plan.trunk", named));
    }
    StoredModel trunk =
        names.size() == 1 ? versions.getFirst() : servingOne(named, versions, names);
    try {
      var unused = DecoderConfig.read(trunk.folder());
    } catch (ModelException e) {
      throw new MeshException(
          Fault.UNKNOWN_MODEL,
          "plan.trunk: '%s': no decoder: %s"
              .formatted(named, trunk.withoutPath(String.valueOf(e.getMessage()))),
          Map.of("plan.trunk", named));
    }
    return trunk;
  }

  /** Whoever adds a version of a trunk, such as a run, has nobody else name one. */
  private StoredModel servingOne(String named, List<StoredModel> versions, List<String> names) {
    return serving
        .of(named)
        .flatMap(
            version -> versions.stream().filter(each -> each.version().equals(version)).findFirst())
        .orElseThrow(
            () ->
                Texts.malformed(
                    "plan.trunk",
                    "'%s': none of its versions is the one that serves (expected: with one of the versions %s)"
                        .formatted(named, names)));
  }

  @Override
  public Training.Result train(
      UUID id, Prepared prepared, TrainingOrder order, RewardData data, Listener listener)
      throws TrainingException {
    List<ModelStore> stores = roots.stream().map(ModelStore::new).toList();
    StoredModel trunk = trunk(prepared.trunk(), stores);
    VersionName version = prepared.version();
    try {
      ModelStore.deleteAll(work); // of a process that was killed
      OwnerOnly.createFolders(work); // it has what people judged
      RewardTraining.Trained trained =
          new RewardTraining(
                  order.plan(),
                  work,
                  threads,
                  courteous(listener, order.plan().members() * headsEach(data)))
              .train(data, trunk, order.skipsBad());
      listener.leftOut(trained.badRows());
      listener.progress(new Progress(Phase.PUBLISHING, 0, 1));
      StoredModel published =
          new RewardPublisher(stores.getFirst(), work)
              .publish(
                  version.model(),
                  version.version(),
                  trained,
                  order.command(version, prepared.trunk()),
                  notes(id, order));
      return new Training.Result(
          new PinnedVersion(version.model(), version.version(), weights(published)),
          trained.facts(),
          trained.model().spec().heldOutMembers(),
          trained.model().spec().heldOut(),
          objectives(trained.model().spec()));
    } catch (UnusableDataException e) {
      throw new TrainingException("UNUSABLE_DATA", String.valueOf(e.getMessage()), e);
    } catch (FileAlreadyExistsException e) {
      throw new TrainingException(
          "ALREADY_EXISTS", version + " is there already, and versions do not change", e);
    } catch (ModelException e) {
      String message = trunk.withoutPath(String.valueOf(e.getMessage()));
      throw new TrainingException(e.reason().name(), message.replace(work.toString(), "work"), e);
    } catch (IOException e) {
      LOG.warn("{} cannot be published: {}", version, e.toString());
      throw new TrainingException(
          "STORAGE_FAILED", "the version cannot be written: " + StorageWords.of(e), e);
    } finally {
      tidy();
    }
  }

  @Override
  public Optional<Published> published(Training training) {
    VersionName version = training.version();
    try {
      Optional<StoredModel> folder =
          new ModelStore(roots.getFirst()).find(version.model(), version.version());
      if (folder.isEmpty()) {
        return Optional.empty();
      }
      Map<String, String> facts =
          new TreeMap<>(
              ModelManifest.read(folder.get().folder()).map(ModelManifest::notes).orElse(Map.of()));
      if (!training.id().toString().equals(facts.remove(TRAINING_ID))) {
        return Optional.empty();
      }
      facts.remove(OWNER);
      ScoringSpec spec = ScoringModelFolder.readSpec(folder.get().folder());
      return Optional.of(
          new Published(
              Files.getLastModifiedTime(folder.get().folder().resolve(ModelManifest.FILE))
                  .toInstant(), // it is written last, and then the version appears
              rowsLeftOut(facts),
              new Training.Result(
                  new PinnedVersion(version.model(), version.version(), weights(folder.get())),
                  facts,
                  spec.heldOutMembers(),
                  spec.heldOut(),
                  objectives(spec))));
    } catch (ModelException | IllegalArgumentException | IOException e) {
      LOG.warn("what {} is cannot be told: {}", version, e.getMessage());
      return Optional.empty();
    }
  }

  /** What a version's notes say; those of older releases do not, or group the digits. */
  private static OptionalLong rowsLeftOut(Map<String, String> notes) {
    String count = notes.getOrDefault(ROWS_LEFT_OUT, "").replace(",", "");
    return COUNT.matcher(count).matches()
        ? OptionalLong.of(Long.parseLong(count))
        : OptionalLong.empty();
  }

  private static String weights(StoredModel published) {
    return ModelManifest.read(published.folder())
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow(
            () -> new IllegalStateException(published.name() + ": published without a manifest"));
  }

  private void tidy() {
    boolean interrupted = Thread.interrupted(); // or nothing could be deleted
    try {
      ModelStore.deleteAll(work);
    } catch (IOException e) { // the next training deletes it
      LOG.warn("the graph of a training stays until the next: {}", e.getMessage());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static List<ObjectiveResult> objectives(ScoringSpec spec) {
    return spec.objectives().stream()
        .map(
            each ->
                new ObjectiveResult(
                    each.name(), each.weight(), each.heldOutMembers(), each.heldOut()))
        .toList();
  }

  /** How many heads a member has. */
  private static int headsEach(RewardData data) {
    return switch (data) {
      case RewardData.Whole whole -> 1;
      case RewardData.Objectives several -> several.objectives().size();
    };
  }

  private RewardTraining.Listener courteous(Listener listener, int heads) {
    return new RewardTraining.Listener() {
      private int done;

      @Override
      public void features(int done, int all) {
        courtesy.giveWay();
        listener.progress(new Progress(Phase.READING_TEXTS, done, all));
      }

      @Override
      public void pass() {
        courtesy.giveWay();
      }

      @Override
      public void member(String line) {
        done++;
        listener.progress(new Progress(Phase.TRAINING_MEMBERS, done, heads));
      }
    };
  }
}
