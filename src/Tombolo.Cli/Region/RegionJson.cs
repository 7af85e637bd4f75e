// SPDX-License-Identifier: MIT
namespace Tombolo.Cli.Region;

/// <summary>A region in a list.</summary>
internal sealed record RegionRow(string Window, string Region, uint Begin, uint End, uint Bytes, uint Data, string? ManagedBy, string Socket);

/// <summary>Bytes of a region.</summary>
internal sealed record RegionBytes(string Region, uint Offset, string Hex);

/// <summary>A word of a region at one moment.</summary>
internal sealed record RegionWord(string Region, uint Offset, uint Value);

/// <summary>A region and its signals at one moment.</summary>
internal sealed record RegionView(string Region, uint Begin, uint End, uint Data, string? ManagedBy, ushort Version, ushort OldestVersion, SignalView GuestToHost, SignalView HostToGuest);

/// <summary>A signal table at one moment.</summary>
internal sealed record SignalView(int Slots, bool IsSignalled, IReadOnlyList<uint> Waiting);

/// <summary>A layout with its regions.</summary>
internal sealed record LayoutView(long WindowBytes, IReadOnlyList<LayoutRow> Regions);

/// <summary>A region of a layout.</summary>
internal sealed record LayoutRow(int Vector, string Name, uint Begin, uint End, uint Data, int SlotsGuestToHost, int SlotsHostToGuest, ushort CurrentVersion, ushort MinCompatibleVersion, string? ManagedBy);
