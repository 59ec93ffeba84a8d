/**
 * A question over a network, and its answer. The question may be lost, come late (after its sender has stopped waiting)
 * or come twice; the answer may be lost; and whoever asked may be dead by then.
 */

import type { Process } from './process.ts'
import type { Sometimes } from './sometimes.ts'
import type { LinkWeather } from './weather.ts'
import type { World } from './world.ts'

/** The other end of a link. */
export interface Far {
  unreachableFrom(process: Process): boolean
  readonly paused: boolean
  readonly down: boolean
  /** Keeps what has arrived until it goes on. */
  hold(arrival: () => void): void
}

export interface Question<T> {
  readonly link: LinkWeather & { readonly refuse: number }
  readonly timeoutMs: number
  readonly far: Far
  /** Whether the network may deliver it twice: what runs inside one connection is never doubled. */
  readonly doubles: boolean
  /** Done by the other end at one instant; a throw is its answer, too. */
  apply(): T
  error(why: 'refused' | 'timed-out'): Error
  /** Called as the other end has applied it, before the answer leaves. */
  applied?(): void
  /** Called when it is certain that the question never arrives. */
  neverArrives?(): void
  readonly answerLost: Sometimes | undefined
  readonly appliedLate: Sometimes | undefined
  readonly doubled: Sometimes | undefined
}

export function ask<T>(world: World, process: Process, question: Question<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const { agenda, random } = world
    const { link, far } = question
    const { life } = process
    const giveUpAt = agenda.nowMs + question.timeoutMs
    let told = false
    let waiting = false

    const latency = (): number => link.latencyMs * random.between(0.5, 1.5)
    const tell = (then: () => void): void => {
      if (told) return
      told = true
      process.resume(life, then)
    }
    const refuse = (): void => tell(() => reject(question.error('refused')))
    // Set only when it is known that no answer comes in time: most questions are answered.
    const waitInVain = (): void => {
      if (waiting) return
      waiting = true
      agenda.at(giveUpAt, () => tell(() => reject(question.error('timed-out'))))
    }

    const arrive = (again: boolean): void => {
      if (far.paused) {
        if (!again) waitInVain()
        far.hold(() => arrive(again))
        return
      }
      if (far.unreachableFrom(process)) {
        if (!again) waitInVain()
        return
      }
      if (far.down) {
        if (!again) agenda.after(latency(), refuse)
        return
      }
      let answer: () => void
      try {
        const value = question.apply()
        answer = () => resolve(value)
      } catch (error) {
        answer = () => reject(error as Error)
      }
      if (again) {
        if (question.doubled !== undefined) world.count(question.doubled)
        return
      }
      if (told && question.appliedLate !== undefined) world.count(question.appliedLate)
      question.applied?.()
      if (told || process.life !== life) return
      if (world.fault(link.loseAnswer)) {
        if (question.answerLost !== undefined) world.count(question.answerLost)
        waitInVain()
        return
      }
      const backAt = agenda.nowMs + latency()
      if (backAt >= giveUpAt) waitInVain()
      agenda.at(backAt, () => (far.unreachableFrom(process) ? waitInVain() : tell(answer)))
    }

    if (world.fault(link.refuse)) {
      question.neverArrives?.()
      agenda.after(latency(), refuse)
      return
    }
    if (world.fault(link.loseRequest)) {
      question.neverArrives?.()
      waitInVain()
      return
    }
    let arriveAt = agenda.nowMs + latency()
    if (world.fault(link.late)) {
      arriveAt = giveUpAt + random.between(0, link.lateMs)
      waitInVain()
    }
    agenda.at(arriveAt, () => arrive(false))
    if (question.doubles && world.fault(link.double)) {
      agenda.at(arriveAt + random.between(0, link.lateMs), () => arrive(true))
    }
  })
}
