// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>A signal table at one moment.</summary>
/// <param name="Slots">How many slots it has.</param>
/// <param name="IsSignalled">Whether the signalled word is set.</param>
/// <param name="Waiting">Offsets that wait to be taken, as the other side wrote them.</param>
public sealed record SignalState(int Slots, bool IsSignalled, IReadOnlyList<uint> Waiting);
