/** One worker thread: runs the batches that it is sent. */

import { parentPort } from 'node:worker_threads'
import { type BatchJob, runBatch } from './batch.ts'

// A message is a turn of the event loop of its own, as `simulate` demands.
parentPort?.on('message', (job: BatchJob) => parentPort?.postMessage(runBatch(job)))
