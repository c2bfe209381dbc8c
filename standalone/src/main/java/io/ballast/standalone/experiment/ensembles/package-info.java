/**
 * Do conservative ensembles withstand over-optimisation? Coste et al. 2024, arXiv:2310.02743, and
 * Gao et al. 2023, arXiv:2210.10760, on the simulated programmer, on people's own judgements and on
 * a toy.
 */
@NullMarked
package io.ballast.standalone.experiment.ensembles;

import org.jspecify.annotations.NullMarked;
