// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>What one place has of its own: which pages and grants are free, and what it has mapped of others. None of it lies in the window, where others could change it.</summary>
/// <remarks>Not thread-safe: its domain's lock guards it.</remarks>
internal sealed class WindowTable
{
    private readonly GrantWindow _window;
    private readonly int _place;
    private readonly bool[] _pages, _references;
    private readonly List<(GrantRef Reference, int Page)> _kept = [];
    private readonly Dictionary<(int Place, GrantRef Reference), Track> _tracks = [];
    private int _nextPage, _nextReference = (int)GrantRef.First;

    public WindowTable(GrantWindow window, int place)
    {
        (_window, _place) = (window, place);
        _pages = new bool[window.Shape.Pages];
        _references = new bool[window.Shape.Entries];
        _references.AsSpan(0, (int)GrantRef.First).Fill(true);
        for (uint reference = GrantRef.First; reference < _references.Length; reference++) Inherit(new(reference));
    }

    private DomainId Self => _window.Shape.DomainOf(_place);

    /// <summary>Takes pages next to each other, and a number for each.</summary>
    /// <exception cref="GrantException">There are none.</exception>
    public (int FirstPage, GrantRef[] References) Take(int count)
    {
        Reap();
        if (count > _pages.Length || FindRun(count) is not { } page)
            throw new GrantException(GrantFault.Quota, $"Domain {Self} has no {count} free pages next to each other; it may grant {_pages.Length} in all (pages of the window).");
        GrantRef[] references = new GrantRef[count];
        for (int at = 0; at < count; at++)
        {
            if (FindReference() is { } reference)
            {
                _references[reference.Value] = true;
                references[at] = reference;
                continue;
            }
            foreach (GrantRef taken in references.AsSpan(0, at)) _references[taken.Value] = false;
            throw new GrantException(GrantFault.Quota, $"Domain {Self} has no {count} free grants; it may have {_references.Length - GrantRef.First} (entries of the window).");
        }
        _pages.AsSpan(page, count).Fill(true);
        _nextPage = page + count;
        return (page, references);
    }

    /// <summary>Gives back what nobody can map any more; what is still mapped waits.</summary>
    public void Give(int firstPage, IReadOnlyList<GrantRef> references)
    {
        for (int at = 0; at < references.Count; at++)
        {
            _window.Revoke(_place, references[at]);
            _kept.Add((references[at], firstPage + at));
        }
        Reap();
    }

    /// <summary>Takes a grant for one mapping more.</summary>
    public ClaimResult Map(int place, GrantRef reference, bool write, out uint frame)
    {
        ClaimResult result = _window.Claim(place, reference, Self, write, out frame);
        if (result != ClaimResult.Taken) return result;
        _ = _tracks.TryGetValue((place, reference), out Track track);
        if (track.Readers > 0 && track.Frame != frame) return ClaimResult.BadFrame;   // an honest granter does not change what is mapped
        _tracks[(place, reference)] = new(frame, track.Readers + 1, track.Writers + (write ? 1 : 0));
        return ClaimResult.Taken;
    }

    /// <summary>Undoes one <see cref="Map"/>.</summary>
    public void Unmap(int place, GrantRef reference, bool write)
    {
        Track track = _tracks[(place, reference)];
        track = track with { Readers = track.Readers - 1, Writers = track.Writers - (write ? 1 : 0) };
        GrantFlags marks = (track.Readers == 0 ? GrantFlags.Reading : 0) | (write && track.Writers == 0 ? GrantFlags.Writing : 0);
        if (marks != 0) _window.Unclaim(place, reference, Self, track.Frame, marks);
        if (track.Readers == 0) _ = _tracks.Remove((place, reference));
        else _tracks[(place, reference)] = track;
    }

    private void Reap() => _ = _kept.RemoveAll(kept =>
    {
        if (!_window.TryEnd(_place, kept.Reference)) return false;
        _references[kept.Reference.Value] = false;
        _pages[kept.Page] = false;
        return true;
    });

    // What an earlier life granted and others still have mapped. An entry that names no page of ours, or one twice, is a lie: its number stays unused, and no page with it.
    private void Inherit(GrantRef reference)
    {
        GrantEntry entry = _window.Entry(_place, reference);
        if (entry.Word == 0) return;
        _references[reference.Value] = true;
        uint page = entry.Frame - _window.FirstFrame(_place);
        if (page >= (uint)_pages.Length || _pages[page]) return;
        _pages[page] = true;
        _kept.Add((reference, (int)page));
    }

    private int? FindRun(int count)
    {
        foreach (int start in (int[])[_nextPage, 0])
        {
            for (int at = start, free = 0; at < _pages.Length; at++)
            {
                free = _pages[at] ? 0 : free + 1;
                if (free == count) return at - count + 1;
            }
        }
        return null;
    }

    private GrantRef? FindReference()
    {
        for (int step = 0; step < _references.Length; step++)
        {
            int at = (_nextReference + step) % _references.Length;
            if (_references[at]) continue;
            _nextReference = at + 1;
            return new((uint)at);
        }
        return null;
    }

    private readonly record struct Track(uint Frame, int Readers, int Writers);
}
