// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>An owner word that the server claimed for a host client, and gives back when the client's connection ends: also when the client was killed.</summary>
/// <param name="Index">The managing region.</param>
/// <param name="Offset">The word, from that region's begin.</param>
/// <param name="Value">What it holds while it is claimed.</param>
/// <remarks>
/// Theory of operation. A word that a client claimed by itself stays claimed when the client is killed. So the server claims it (compare-and-swap from 0) for the client, whose connection stays open; the keeper holds the
/// connection too, under a name that says everything, so that a successor of a killed server knows what it must give back. The client says one byte to give it back, and is answered when it is 0; where the
/// connection ends without an answer, no server holds the word, and the client gives it back by itself.
/// </remarks>
internal readonly record struct OwnedWord(int Index, uint Offset, uint Value)
{
    private const string Prefix = "own-";

    /// <summary>Under which name the keeper holds the connection.</summary>
    public string KeptName => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Index}-{Offset:x}-{Value:x}");

    /// <summary>What a name of the keeper's says; false for others' names.</summary>
    public static bool TryParse(string keptName, out OwnedWord word)
    {
        word = default;
        string[] parts = keptName.Split('-');
        if (parts.Length != 4 || !keptName.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        bool isWhole = int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            & uint.TryParse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint offset)
            & uint.TryParse(parts[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value);
        word = new(index, offset, value);
        return isWhole;
    }

    /// <summary>Whether there can be such a word in a layout.</summary>
    public bool FitsInto(RegionLayout layout) =>
        Index >= 0 && Index < layout.Regions.Count && (Offset & 3) == 0 && Value != 0
        && Offset >= layout.Regions[Index].DataOffset && Offset + (long)sizeof(uint) <= layout.Regions[Index].LengthBytes;

    /// <summary>Whether nobody owns it at this moment.</summary>
    public bool IsFree(Window window, RegionLayout layout) => View(window, layout).ReadAcquire32(0) == 0;

    /// <summary>Claims it; false where it is owned.</summary>
    public bool TryClaim(Window window, RegionLayout layout) => View(window, layout).CompareExchange32(0, Value, 0) == 0;

    /// <summary>Gives it back; where somebody has written over it, it is theirs.</summary>
    public void GiveBack(Window window, RegionLayout layout) => _ = View(window, layout).CompareExchange32(0, 0, Value);

    private SharedView View(Window window, RegionLayout layout) => window.View(layout.Regions[Index].BeginOffset + Offset, sizeof(uint));
}
