// SPDX-License-Identifier: MIT
namespace Tombolo.Mailbox;

/// <summary>What an endpoint did since it started.</summary>
/// <param name="Sent">Messages put into the own slot.</param>
/// <param name="Acknowledged">Of these, how many their receivers took.</param>
/// <param name="Timeouts">Of these, how many nobody took in time.</param>
/// <param name="Received">Messages taken from others' slots.</param>
/// <param name="Bad">Slots that claimed more than they can hold, malformed fabric messages, addresses from somebody who is not the manager.</param>
/// <param name="WakeUps">How often the loop woke up. An idle endpoint's does not move.</param>
public readonly record struct MailboxCounters(long Sent, long Acknowledged, long Timeouts, long Received, long Bad, long WakeUps);
