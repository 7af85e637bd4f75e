// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Store;

/// <summary>A domain that is known.</summary>
internal sealed class StoreDomain
{
    /// <summary>Its rights are this one's too.</summary>
    public DomainId? Target { get; set; }
}

internal sealed partial class StoreEngine
{
    // INTRODUCE, RELEASE and the rest about domains; CONTROL.

    /// <summary>Asked to bring up a domain's ring page, by its number in the domain's memory; null where there are no rings. False: there is none.</summary>
    public Func<DomainId, ulong, bool>? Connect { get; set; }

    /// <summary>Told to take down a domain's ring page.</summary>
    public Action<DomainId>? Disconnect { get; set; }

    private StoreError Privileged(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload) => header.Operation switch
    {
        StoreOperation.Introduce => Introduce(session, header, payload),
        StoreOperation.Release => Release(session, header, payload),
        StoreOperation.Resume => Resume(session, header, payload),
        _ => SetTarget(session, header, payload),
    };

    private StoreError Introduce(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StoreText.TryDomain(text, out DomainId domain)
            || !StoreText.TryTake(ref payload, out ReadOnlySpan<byte> frame) || !StoreText.TryNumber(frame, ulong.MaxValue, out ulong page)
            || !StoreText.TryTake(ref payload, out ReadOnlySpan<byte> number) || !StoreText.TryNumber(number, uint.MaxValue, out _)) return StoreError.EINVAL;
        if (!_sink.HasRoom(32)) return NoRoom();
        if (Connect is not null && domain.Value != 0 && !Connect(domain, page)) return StoreError.EINVAL;
        Introduce(domain);
        Acknowledge(session, header);
        return StoreError.None;
    }

    /// <summary>Makes a domain known, and tells who watches for it.</summary>
    public void Introduce(DomainId domain)
    {
        Know(domain, null);
        _sink.DomainKnown(domain, null);
        TellSpecial(StorePath.IntroduceDomain, "introduceDomain"u8);
    }

    /// <summary>Makes a domain known, without a word to anybody.</summary>
    public void Know(DomainId domain, DomainId? target)
    {
        if (!_domains.TryGetValue(domain, out StoreDomain? known)) _domains.Add(domain, known = new());
        known.Target = target ?? known.Target;
    }

    /// <summary>Forgets a domain, without a word to anybody.</summary>
    public void Unknow(DomainId domain) => _ = _domains.Remove(domain);

    private StoreError Release(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || !StoreText.TryDomain(text, out DomainId domain)) return StoreError.EINVAL;
        if (!_domains.ContainsKey(domain)) return StoreError.ENOENT;
        if (!TryRelease(domain)) return NoRoom();
        Acknowledge(session, header);
        return StoreError.None;
    }

    /// <summary>Forgets a domain: its connection, what it owns, what it was allowed; and tells who watches for it.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="home">Its home, which goes with all below it; null leaves that to whoever made it.</param>
    /// <remarks>Numbers are used again: the next domain of this number must not find the rights of this one (the reason of Xen's advisories 322 and 419).</remarks>
    public bool TryRelease(DomainId domain, byte[]? home = null)
    {
        List<StoreChange> changes = [];
        if (home is not null && StoreTree.Find(_root, home) is not null) changes.Add(new(ChangeKind.Remove, home, default, [], null));
        if (domain.Value != 0) CollectTraces(_root, [], domain, home, changes);
        int bytes = 32;
        foreach (StoreChange change in changes) bytes += SizeOf(change);
        if (!_sink.HasRoom(bytes)) return false;
        Disconnect?.Invoke(domain);
        _ = _domains.Remove(domain);
        _sink.DomainGone(domain);
        foreach (StoreChange change in changes) Commit(change);
        TellSpecial(StorePath.ReleaseDomain, "releaseDomain"u8);
        return true;
    }

    private static void CollectTraces(StoreNode node, byte[] path, DomainId domain, byte[]? home, List<StoreChange> changes)
    {
        foreach (StoreNode child in node.Children.From(0))
        {
            byte[] at = [.. path, (byte)'/', .. child.Name];
            if (home is not null && at.AsSpan().SequenceEqual(home)) continue;
            if (child.Permissions.Owner == domain)
            {
                changes.Add(new(ChangeKind.Remove, at, default, [], null));
                continue;
            }
            if (child.Permissions.Entries.Any(entry => entry.Domain == domain))
                changes.Add(new(ChangeKind.Permissions, at, default, [], new([.. child.Permissions.Entries.Where(entry => entry.Domain != domain)])));
            CollectTraces(child, at, domain, home, changes);
        }
    }

    private StoreError Resume(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || !StoreText.TryDomain(text, out DomainId domain)) return StoreError.EINVAL;
        if (!_domains.ContainsKey(domain)) return StoreError.ENOENT;
        Acknowledge(session, header);
        return StoreError.None;
    }

    private StoreError SetTarget(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StoreText.TryDomain(text, out DomainId domain)
            || !StoreText.TrySingle(payload, out ReadOnlySpan<byte> other) || !StoreText.TryDomain(other, out DomainId target)) return StoreError.EINVAL;
        if (!_domains.ContainsKey(domain) || !_domains.ContainsKey(target)) return StoreError.ENOENT;
        if (!_sink.HasRoom(32)) return NoRoom();
        Know(domain, target);
        _sink.DomainKnown(domain, target);
        TargetChanged?.Invoke(domain, target);
        Acknowledge(session, header);
        return StoreError.None;
    }

    /// <summary>The permissions of the special paths.</summary>
    public IReadOnlyDictionary<string, StorePermissions> Specials => _specials;

    /// <summary>Told of a domain's new target, for the sessions that it has.</summary>
    public Action<DomainId, DomainId>? TargetChanged { get; set; }

    private static StoreError GetDomainPath(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || !StoreText.TryDomain(text, out DomainId domain)) return StoreError.EINVAL;
        Answer(session, header, Encoding.ASCII.GetBytes(StorePath.HomeOf(domain) + "\0"));
        return StoreError.None;
    }

    private StoreError IsDomainIntroduced(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || !StoreText.TryDomain(text, out DomainId domain)) return StoreError.EINVAL;
        Answer(session, header, domain.Value == 0 || _domains.ContainsKey(domain) ? "T\0"u8 : "F\0"u8);
        return StoreError.None;
    }

    // The two special paths have permissions, which say who may watch them, and nothing else.
    private StoreError Special(StoreSession session, ReadOnlySpan<byte> path, out StoreNode node)
    {
        node = StoreNode.Create([], [], _specials[StoreText.ToText(path)], 0);
        return (session.AccessTo(node) & StoreAccess.Read) == 0 ? StoreError.EACCES : StoreError.None;
    }

    private StoreError SetSpecial(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> path, StorePermissions permissions)
    {
        if (!session.IsPrivileged) return StoreError.EACCES;
        if (!_sink.HasRoom(64 + (8 * permissions.Entries.Count))) return NoRoom();
        _specials[StoreText.ToText(path)] = permissions;
        _sink.Changed(new(ChangeKind.Permissions, path.ToArray(), default, [], permissions));
        Acknowledge(session, header);
        return StoreError.None;
    }

    private void TellSpecial(string path, ReadOnlySpan<byte> name)
    {
        if (_specialWatches.Below(name) is not { } index) return;
        byte[] shown = Encoding.ASCII.GetBytes(path);
        foreach (StoreWatch watch in index.Here)
            if (watch.Session.IsPrivileged || (watch.Session.AccessBy(_specials[path]) & StoreAccess.Read) != 0) Send(watch, shown);
    }

    private StoreError Control(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        string[] words = StoreText.ToText(payload).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        if (!session.IsPrivileged && words is not ["details", ..]) return StoreError.EACCES;   // what errors say to itself is everybody's own
        string? answer = words switch
        {
            [] or ["help", ..] => "check\ndetails on|off\nhelp\nmemreport\nquota\nversion\n",
            ["check"] => Check(),
            ["details", "on" or "off"] => (session.WantsDetails = words[1] == "on") ? "OK" : "OK",
            ["memreport"] => string.Create(CultureInfo.InvariantCulture, $"nodes {_counts.All.Sum(pair => pair.Value)}\ndomains {_domains.Count}\n"),
            ["quota"] => string.Create(CultureInfo.InvariantCulture,
                $"nodes {_quotas.Nodes}\nvalue-bytes {_quotas.ValueBytes}\npermissions {_quotas.Permissions}\nwatches {_quotas.Watches}\ntransactions {_quotas.Transactions}\ntransaction-nodes {_quotas.TransactionNodes}\nevents {_quotas.Events}\n"),
            ["quota", var number] when StoreText.TryDomain(Encoding.UTF8.GetBytes(number), out DomainId domain) =>
                string.Create(CultureInfo.InvariantCulture, $"nodes {_counts[domain]} of {_quotas.Nodes}\nwatches {_watchCounts[domain]} of {_quotas.Watches}\ntransactions {_transactionCounts[domain]} of {_quotas.Transactions}\n"),
            ["version"] => "tombolo-store 1\n",
            _ => null,
        };
        if (answer is null) return StoreError.EINVAL;
        Answer(session, header, Encoding.UTF8.GetBytes(answer + "\0"));
        return StoreError.None;
    }

    // Are the counts what the tree says?
    private string Check()
    {
        DomainCounts real = new();
        real.AddAll(_root, 1);
        return _counts.All.All(pair => pair.Value == real[pair.Key]) && real.All.All(pair => pair.Value == _counts[pair.Key]) ? "OK" : "The counts of nodes are wrong.";
    }
}
