/** What a load showed: counted, judged, written and compared. */
@NullMarked
package io.ballast.loadtest.report;

import org.jspecify.annotations.NullMarked;
