/**
 * What `npm run model` explores, each to its end: about ten million states and a quarter of an hour. The small ones run in
 * the gate too.
 */

import type { Setting } from './world.ts'

interface Named extends Setting {
  readonly name: string
  readonly small: boolean
}

const plain = { named: false, resends: 0, deliveries: 1, expiry: false } as const

export const settings: readonly Named[] = [
  {
    ...plain,
    name: 'transactional, 3 attempts, doubled',
    guarantee: 'transactional',
    attempts: 3,
    deliveries: 2,
    small: true,
  },
  {
    ...plain,
    name: 'transactional, 3 attempts, re-sent',
    guarantee: 'transactional',
    attempts: 3,
    resends: 1,
    deliveries: 2,
    small: false,
  },
  {
    ...plain,
    name: 'transactional, 3 attempts, expiry',
    guarantee: 'transactional',
    attempts: 3,
    deliveries: 2,
    expiry: true,
    small: true,
  },
  { ...plain, name: 'guarded, 2 attempts', guarantee: 'guarded', attempts: 2, deliveries: 2, small: true },
  {
    ...plain,
    name: 'guarded, named, 2 attempts',
    guarantee: 'guarded',
    named: true,
    attempts: 2,
    deliveries: 2,
    small: true,
  },
  {
    ...plain,
    name: 'guarded, named, 2 attempts, re-sent',
    guarantee: 'guarded',
    named: true,
    attempts: 2,
    resends: 1,
    deliveries: 2,
    small: false,
  },
  { ...plain, name: 'guarded, 3 attempts', guarantee: 'guarded', attempts: 3, small: true },
  { ...plain, name: 'guarded, named, 3 attempts', guarantee: 'guarded', named: true, attempts: 3, small: false },
  {
    ...plain,
    name: 'guarded, named, 2 attempts, expiry',
    guarantee: 'guarded',
    named: true,
    attempts: 2,
    deliveries: 1,
    expiry: true,
    small: true,
  },
  {
    ...plain,
    name: 'resumable, 2 attempts, re-sent',
    guarantee: 'resumable',
    attempts: 2,
    resends: 1,
    deliveries: 2,
    small: false,
  },
  { ...plain, name: 'resumable, 2 attempts', guarantee: 'resumable', attempts: 2, deliveries: 2, small: true },
  { ...plain, name: 'resumable, 3 attempts', guarantee: 'resumable', attempts: 3, small: false },
]
