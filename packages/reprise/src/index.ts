/** The door `reprise`: what is the same for every framework and every store. */

export type { Attempt } from './engine/attempt.ts'
export { type Clock, systemClock } from './engine/clock.ts'
export type { Duration } from './engine/duration.ts'
export { type ErrorCode, errorCodes, isNotApplied, isRepriseError, NotApplied, RepriseError } from './engine/errors.ts'
export { type Randomness, systemRandomness } from './engine/ids.ts'
export type { PolicyOptions } from './engine/policy.ts'
export type {
  Completed,
  Expired,
  Guarantee,
  HeaderLine,
  OperationRecord,
  Outcome,
  RecordState,
  Released,
  Running,
  Steps,
  Unknown,
  UnknownReason,
} from './engine/record.ts'
export type {
  BeginResult,
  Capabilities,
  CommitResult,
  ListOptions,
  Page,
  Store,
  Swept,
  Transaction,
  TransactionEnding,
} from './engine/store.ts'
export type { Claim, ClaimResult, Ending, Horizons, Operation, Terms, WriteResult } from './engine/transitions.ts'
export type { Answer, Captured, HttpResponse } from './http/answer.ts'
export type { StatusMeaning, StatusMeanings } from './http/classify.ts'
export type { ReloadableOutcome, ReplayMode } from './http/replay.ts'
export { type ReplyBody, reply } from './http/reply.ts'
export type { HttpRequest, RequestBody, RequestHeaders } from './http/request.ts'
export type { Route } from './http/route.ts'
export type { RouteOptions } from './http/route-options.ts'
export type { Fault, PrincipalOf } from './http/service.ts'
export { createReprise, type Reprise, type RepriseOptions } from './reprise.ts'
export type { RunEffect, RunEnd, RunInput, RunPolicy } from './run.ts'
export { corsAllowHeaders, corsExposeHeaders, defaultHeaderNames, type HeaderNames } from './wire/headers.ts'
export { type Problem, type ProblemSlug, problemTypes } from './wire/problem.ts'
