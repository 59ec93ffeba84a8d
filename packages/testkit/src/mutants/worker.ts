/** One worker thread: tries the mutants that it is sent. */

import { parentPort } from 'node:worker_threads'
import { type TrialJob, tryOut } from './trial.ts'

parentPort?.on('message', (job: TrialJob) => {
  // A failure that is nobody's finding ends the worker, and with it the run.
  void tryOut(job).then((trial) => parentPort?.postMessage(trial))
})
