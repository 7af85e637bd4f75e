// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>The owner words that this server holds for host clients. Belongs to the clients' loop.</summary>
internal sealed class OwnedWords(DoorbellServer doorbell, RegionLayout layout)
{
    /// <summary>The most words held at once; each takes a descriptor here and at the keeper.</summary>
    public const int Most = 1024;

    private readonly HashSet<OwnedWord> _held = [];

    /// <summary>How many there are.</summary>
    public int Count => _held.Count;

    /// <summary>What a server that was killed held: its clients' connections, which go on.</summary>
    public IEnumerable<(OwnedWord Word, SafeFd Socket)> TakeOver()
    {
        foreach (string name in doorbell.KeptNames())
            if (OwnedWord.TryParse(name, out OwnedWord word) && word.FitsInto(layout) && doorbell.Kept(name) is { } socket && _held.Add(word)) yield return (word, socket);
    }

    /// <summary>Claims a word for a client.</summary>
    /// <param name="word">The word; it fits into the layout.</param>
    /// <param name="socket">The client's connection; kept from now on where the word is claimed.</param>
    /// <returns>Whether it was free.</returns>
    public bool TryClaim(OwnedWord word, SafeFd socket)
    {
        if (_held.Count == Most || !word.IsFree(doorbell.Window, layout) || !_held.Add(word)) return false;
        // Kept before it is claimed: where this server is killed in between, its successor will give back what nobody has, which changes nothing; the other way round the word would stay claimed for ever.
        doorbell.Keep(word.KeptName, socket);
        if (word.TryClaim(doorbell.Window, layout)) return true;
        Forget(word);
        return false;
    }

    /// <summary>Gives a word back.</summary>
    public void GiveBack(OwnedWord word)
    {
        word.GiveBack(doorbell.Window, layout);
        Forget(word);
    }

    private void Forget(OwnedWord word)
    {
        _ = _held.Remove(word);
        doorbell.Forget(word.KeptName);
    }
}
