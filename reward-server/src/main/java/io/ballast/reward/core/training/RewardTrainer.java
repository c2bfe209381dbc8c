package io.ballast.reward.core.training;

import io.ballast.reward.core.training.Training.Progress;
import io.ballast.training.data.BadRow;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.VersionName;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** Trains ensembles and publishes them. */
public interface RewardTrainer {
  /**
   * Checks that something can be published here at all.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if the folder of models cannot
   *     be written
   */
  void requirePlace();

  /**
   * Says which decoder an order means, as NAME/VERSION. Where it has several versions and none is
   * named, a peer is asked, which may take seconds.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL if it is not there, or is no decoder;
   *     MALFORMED_REQUEST if none of its versions is the one that serves; DEPENDENCY_DOWN if nobody
   *     can say which does
   */
  String trunk(TrainingOrder order);

  /**
   * Checks an order before anything is begun; asks nobody.
   *
   * @param trunk that it means, as {@link #trunk} said
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST for a name that could not be one,
   *     FORBIDDEN for a name of others, ALREADY_EXISTS if the version is there
   */
  Prepared prepare(TrainingOrder order, String trunk);

  /**
   * What an order comes to.
   *
   * @param version what is published
   * @param trunk NAME/VERSION of the decoder
   */
  record Prepared(VersionName version, String trunk) {}

  /**
   * Trains and publishes; the version appears whole or not at all. An interrupt of its thread ends
   * it before long.
   *
   * @param id of the training, which the version keeps
   * @throws TrainingException if it cannot be done, or the thread was interrupted
   */
  Training.Result train(
      UUID id, Prepared prepared, TrainingOrder order, RewardData data, Listener listener)
      throws TrainingException;

  /**
   * Returns what a training had published before somebody ended the process; empty if there is no
   * version of it. One of the same name that another training made is not its own.
   */
  Optional<Published> published(Training training);

  /**
   * What a version says of the training that published it.
   *
   * @param time when it was published
   * @param rowsLeftOut of the judgements, ≥ 0; empty if it does not say
   */
  record Published(Instant time, OptionalLong rowsLeftOut, Training.Result result) {}

  /** Is told how far a training has come. */
  interface Listener {
    /** It has come so far. */
    void progress(Progress progress);

    /** These rows say something, but nothing that this trunk or split could use. */
    void leftOut(List<BadRow> rows);
  }
}
