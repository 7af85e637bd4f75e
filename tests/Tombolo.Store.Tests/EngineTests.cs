// SPDX-License-Identifier: MIT
namespace Tombolo.Store.Tests;

/// <summary>What each operation means; errors as xenstored 4.17 gives them.</summary>
public sealed class EngineTests
{
    private readonly OpenSink _sink = new();
    private readonly StoreEngine _engine;
    private readonly MemorySession _host, _five;

    public EngineTests()
    {
        _engine = new(new() { Nodes = 6, ValueBytes = 8, Permissions = 2, Watches = 2, Transactions = 2, TransactionNodes = 4 }, _sink);
        (_host, _five) = (new(_engine), new(_engine, 5));
        _host.Write("/local/domain/5/data", "").ShouldBe("OK");
        _host.Allow("/local/domain/5/data", "n5").ShouldBe("OK");
    }

    [Fact]
    public void Write_MakesParents_AndReadGivesTheValue()
    {
        _host.Write("/a/b/c", "v").ShouldBe("OK");
        (_host.Read("/a/b/c"), _host.Read("/a/b"), _host.List("/a"), _host.List("/a/b/c")).ShouldBe(("v", "", "b", ""));
    }

    [Fact]
    public void Value_MayHoldAnyBytes()
    {
        _host.Write("/a", "x|y|").ShouldBe("OK");
        _host.Read("/a").ShouldBe("x|y");   // shown without its last zero
    }

    [Theory]
    [InlineData(StoreOperation.Read, "/none|", "!ENOENT")]
    [InlineData(StoreOperation.Read, "/none/", "!EINVAL")]
    [InlineData(StoreOperation.Read, "no/../dots|", "!EINVAL")]
    [InlineData(StoreOperation.Read, "/a|b|", "!EINVAL")]
    [InlineData(StoreOperation.Read, "", "!EINVAL")]
    [InlineData(StoreOperation.Read, "@releaseDomain|", "!EINVAL")]
    [InlineData(StoreOperation.Remove, "/|", "!EINVAL")]
    [InlineData(StoreOperation.Remove, "/local/none|", "OK")]
    [InlineData(StoreOperation.Remove, "/none/none|", "!ENOENT")]
    [InlineData(StoreOperation.MakeDirectory, "/local|", "OK")]
    [InlineData(StoreOperation.SetPermissions, "/local|", "!EINVAL")]
    [InlineData(StoreOperation.SetPermissions, "/local|x5|", "!EINVAL")]
    [InlineData(StoreOperation.SetPermissions, "/none|r5|", "!ENOENT")]
    [InlineData(StoreOperation.GetPermissions, "/local/domain/5/data|", "n5")]
    [InlineData(StoreOperation.GetPermissions, "@releaseDomain|", "n0")]
    [InlineData(StoreOperation.GetDomainPath, "5|", "/local/domain/5")]
    [InlineData(StoreOperation.GetDomainPath, "five|", "!EINVAL")]
    [InlineData(StoreOperation.IsDomainIntroduced, "5|", "F")]
    [InlineData(StoreOperation.IsDomainIntroduced, "0|", "T")]
    [InlineData(StoreOperation.Release, "5|", "!ENOENT")]
    [InlineData(StoreOperation.Unwatch, "/a|t|", "!ENOENT")]
    [InlineData(StoreOperation.TransactionEnd, "T|", "!ENOENT")]
    [InlineData(StoreOperation.WatchEvent, "/a|t|", "!ENOSYS")]
    [InlineData((StoreOperation)20, "", "!ENOSYS")]
    [InlineData((StoreOperation)4711, "", "!ENOSYS")]
    public void Request_OfThePrivilegedDomain_IsAnswered(StoreOperation operation, string payload, string answer) => _host.Ask(operation, payload).ShouldBe(answer);

    [Fact]
    public void Domain_ReadsAndWritesWhatIsItsOwn_ByRelativePath()
    {
        _five.Write("data/x", "1").ShouldBe("OK");
        (_five.Read("data/x"), _host.Read("/local/domain/5/data/x"), _host.Ask(StoreOperation.GetPermissions, "/local/domain/5/data/x|")).ShouldBe(("1", "1", "n5"));
    }

    [Fact]
    public void Domain_IsNotToldWhatItMayNotSee()
    {
        _host.Write("/secret", "s");
        (_five.Read("/secret"), _five.Read("/none"), _five.Write("/tool/x", "1"), _five.Remove("/secret"), _five.List("/")).ShouldBe(("!EACCES", "!EACCES", "!EACCES", "!EACCES", "!EACCES"));
        _host.Allow("/secret", "n0,r5").ShouldBe("OK");
        (_five.Read("/secret"), _five.Read("/secret/below"), _five.Write("/secret", "x")).ShouldBe(("s", "!ENOENT", "!EACCES"));
        foreach (StoreOperation operation in new[] { StoreOperation.Introduce, StoreOperation.Release, StoreOperation.Resume, StoreOperation.SetTarget, StoreOperation.Control })
            _five.Ask(operation, "5|1|1|").ShouldBe("!EACCES");
    }

    [Fact]
    public void Permissions_OnlyTheOwnerSets_AndCannotGiveAway()
    {
        _five.Write("data/x", "1");
        (_five.Allow("data/x", "r5"), _five.Allow("data/x", "r6"), _five.Allow("data/x", "r5,r6,r7")).ShouldBe(("OK", "!EPERM", "!ENOSPC"));
        new MemorySession(_engine, 6).Allow("/local/domain/5/data/x", "r5").ShouldBe("!EACCES");
        _host.Allow("/local/domain/5/data/x", "r6").ShouldBe("OK");
        _five.Write("data/x", "2").ShouldBe("!EACCES");
    }

    [Fact]
    public void Target_GivesItsRightsToo()
    {
        MemorySession six = new(_engine, 6) { Target = new DomainId(5) };
        (six.Write("/local/domain/5/data/y", "1"), six.Read("/local/domain/5/data")).ShouldBe(("OK", ""));
    }

    [Fact]
    public void Quotas_SayWhichOne()
    {
        for (int i = 0; i < 5; i++) _five.Write($"data/n{i}", "").ShouldBe("OK");
        _five.Write("data/n5", "").ShouldBe("!ENOSPC");
        _five.Write("data/n0", "123456789").ShouldBe("!ENOSPC");
        _five.Watch("a").ShouldBe("OK");
        _five.Watch("b").ShouldBe("OK");
        _five.Watch("c").ShouldBe("!E2BIG");
        _five.Begin();
        uint second = _five.Begin();
        _five.Ask(StoreOperation.TransactionStart, "|").ShouldBe("!ENOSPC");
        for (int i = 0; i < 2; i++) _five.Write($"data/n{i}", "x", second).ShouldBe("OK");
        _five.Write("data/n2", "x", second).ShouldBe("!ENOSPC");
        _sink.Quotas.ShouldBe(["5 Nodes", "5 ValueBytes", "5 Watches", "5 Transactions", "5 TransactionNodes"]);
        _five.Ask(StoreOperation.Control, "details|on|").ShouldBe("OK");
        _five.Write("data/n5", "").ShouldBe("!ENOSPC|Domain 5: It has 6 nodes, and may have 6 (quota Nodes).");
    }

    /// <summary>What a transaction saw is remembered until its end, so looking has a limit too.</summary>
    [Fact]
    public void Quota_OfATransactionsNodes_CountsWhatItOnlyLooksAt()
    {
        uint transaction = _five.Begin();
        string[] answers = [.. Enumerable.Range(0, 5).Select(i => _five.Read($"data/none{i}", transaction))];
        answers.ShouldBe(["!ENOENT", "!ENOENT", "!ENOENT", "!ENOSPC", "!ENOSPC"]);
        (_five.Write("data/x", "1", transaction), _five.List("data", transaction), _five.End(transaction)).ShouldBe(("!ENOSPC", "!ENOSPC", "OK"));
        uint free = _host.Begin();
        for (int i = 0; i < 100; i++) _host.Read($"/none{i}", free).ShouldBe("!ENOENT");
    }

    [Fact]
    public void Quotas_OfWatchesAndTransactions_AreOfTheDomain_NotOfEachConnection()
    {
        MemorySession other = new(_engine, 5);
        (_five.Watch("a"), other.Watch("a"), _five.Watch("b"), other.Watch("b")).ShouldBe(("OK", "OK", "!E2BIG", "!E2BIG"));
        uint mine = _five.Begin();
        _ = other.Begin();
        (_five.Ask(StoreOperation.TransactionStart, "|"), other.Ask(StoreOperation.TransactionStart, "|")).ShouldBe(("!ENOSPC", "!ENOSPC"));
        _host.Ask(StoreOperation.Control, "quota|5|").ShouldBe("nodes 1 of 6\nwatches 2 of 2\ntransactions 2 of 2\n");
        _five.Ask(StoreOperation.Unwatch, "a|t|").ShouldBe("OK");
        _five.End(mine, commit: false).ShouldBe("OK");
        (other.Watch("b"), _five.Watch("b")).ShouldBe(("OK", "!E2BIG"));
        _engine.Forget(other);   // its connection ended
        (_five.Watch("b"), _five.Watch("c"), _five.Watch("d")).ShouldBe(("OK", "OK", "!E2BIG"));
        _five.Ask(StoreOperation.ResetWatches, "|").ShouldBe("OK");
        _host.Ask(StoreOperation.Control, "quota|5|").ShouldBe("nodes 1 of 6\nwatches 0 of 2\ntransactions 0 of 2\n");
    }

    [Fact]
    public void Quota_OfNodes_IsGivenBack_AndCountedInTransactions()
    {
        for (int i = 0; i < 5; i++) _five.Write($"data/n{i}", "").ShouldBe("OK");
        _five.Remove("data/n0").ShouldBe("OK");
        uint one = _five.Begin(), two = _five.Begin();
        _five.Write("data/a", "", one).ShouldBe("OK");
        _five.Write("data/b", "", one).ShouldBe("!ENOSPC");
        _five.Write("data/b", "", two).ShouldBe("OK");
        (_five.End(one), _five.End(two)).ShouldBe(("OK", "!ENOSPC"));   // each had room, both together have not
        _host.Ask(StoreOperation.Control, "check|").ShouldBe("OK");
    }

    [Fact]
    public void JournalFull_ChangesAreRefused_NothingHappens()
    {
        uint transaction = _host.Begin();
        _host.Write("/in", "1", transaction);
        _sink.IsFull = true;
        (_host.Write("/x", "1"), _host.Watch("/x"), _host.End(transaction)).ShouldBe(("!ENOSPC", "!ENOSPC", "!ENOSPC"));
        (_host.Read("/x"), _host.Read("/in")).ShouldBe(("!ENOENT", "!ENOENT"));
    }

    [Fact]
    public void DirectoryPart_AllParts_GiveTheWholeList()
    {
        string[] names = [.. Enumerable.Range(0, 1000).Select(i => $"child-{i:0000}")];
        foreach (string name in names) _host.Write($"/many/{name}", "");
        _host.List("/many").ShouldBe("!E2BIG");
        List<string> found = [];
        string? generation = null;
        for (int offset = 0; ;)
        {
            string[] part = _host.Ask(StoreOperation.DirectoryPart, $"/many|{offset}|").Split('|');
            (generation ??= part[0]).ShouldBe(part[0]);
            bool isLast = part[^1].Length == 0;
            string[] children = isLast ? part[1..^1] : part[1..];
            children.Length.ShouldBePositive();
            found.AddRange(children);
            offset += children.Sum(name => name.Length + 1);
            if (isLast) break;
        }
        found.ShouldBe(names);
        _host.Ask(StoreOperation.DirectoryPart, "/many|100000|").ShouldBe($"{generation}|");
    }

    [Fact]
    public void Watch_TellsOnce_ThenOfEverythingAtAndBelow()
    {
        _host.Watch("/a", "one").ShouldBe("OK");
        _host.Events.ShouldBe(["/a one"]);
        _host.Watch("/a", "one").ShouldBe("!EEXIST");
        _five.Write("data/x", "1");
        _host.Write("/a/b/c", "1");
        _host.Write("/ab", "1");
        _host.Allow("/a/b", "n5");
        _host.Events.ShouldBe(["/a/b/c one", "/a/b one"]);
        _host.Ask(StoreOperation.Unwatch, "/a|one|").ShouldBe("OK");
        _host.Write("/a", "2");
        _host.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Watch_Removal_IsToldAboveOnce_AndToThoseWhoWatchANodeThatWentWithIt()
    {
        _host.Write("/a/b/c/d", "1");
        foreach (string path in new[] { "/a", "/a/b/c", "/a/b/none" }) _host.Watch(path, path);
        _ = _host.Events;
        _host.Remove("/a/b").ShouldBe("OK");
        _host.Events.ShouldBe(["/a/b /a", "/a/b/c /a/b/c"]);
    }

    [Fact]
    public void Watch_Relative_GetsRelativePaths()
    {
        _five.Watch("data", "t").ShouldBe("OK");
        _five.Write("data/x", "1");
        _five.Events.ShouldBe(["data t", "data/x t"]);
    }

    [Fact]
    public void Watch_OfWhatMayNotBeRead_IsSilent()
    {
        _five.Watch("/secret").ShouldBe("OK");
        _ = _five.Events;
        _host.Write("/secret", "1");
        _host.Write("/secret/x", "1");
        _five.Events.ShouldBeEmpty();
        _host.Allow("/secret", "n0,r5");
        _host.Write("/secret", "2");
        _host.Allow("/secret", "n0");   // who loses the right is told of that
        _host.Write("/secret", "3");
        _five.Events.ShouldBe(["/secret t", "/secret t", "/secret t"]);
    }

    [Fact]
    public void Watch_NeverTellsInsideATransaction_AndOnceAfterIt()
    {
        _host.Watch("/a");
        _ = _host.Events;
        uint transaction = _host.Begin();
        _host.Write("/a/x", "1", transaction);
        _host.Write("/a/x", "2", transaction);
        _host.Write("/a/y", "2", transaction);
        _host.Events.ShouldBeEmpty();
        _host.End(transaction).ShouldBe("OK");
        _host.Events.ShouldBe(["/a/x t", "/a/y t"]);
        transaction = _host.Begin();
        _host.Write("/a/x", "3", transaction);
        _host.End(transaction, commit: false).ShouldBe("OK");
        _host.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Watch_SlowReader_IsToldOfTheWatchedPath_WhenThereIsRoom()
    {
        _host.Watch("/a");
        _ = _host.Events;
        _host.TakesEvents = false;
        for (int i = 0; i < 3; i++) _host.Write($"/a/{i}", "1");
        _host.Events.ShouldBeEmpty();
        _host.TakesEvents = true;
        StoreEngine.CatchUp(_host);
        StoreEngine.CatchUp(_host);
        _host.Events.ShouldBe(["/a t"]);
        _host.Write("/a/4", "1");
        _host.Events.ShouldBe(["/a/4 t"]);
    }

    [Fact]
    public void Domains_IntroducedAndReleased_AreToldOf_AndLeaveNoTrace()
    {
        _host.Watch(StorePath.IntroduceDomain, "i").ShouldBe("OK");
        _host.Watch(StorePath.ReleaseDomain, "r").ShouldBe("OK");
        _five.Watch(StorePath.ReleaseDomain, "r").ShouldBe("OK");
        _ = (_host.Events, _five.Events);
        _host.Ask(StoreOperation.Introduce, "5|1|1|").ShouldBe("OK");
        _host.Ask(StoreOperation.IsDomainIntroduced, "5|").ShouldBe("T");
        _host.Ask(StoreOperation.Resume, "5|").ShouldBe("OK");
        _five.Write("data/x", "1");
        _host.Write("/shared", "1");
        _host.Allow("/shared", "n0,b5,r6");
        _host.Ask(StoreOperation.Release, "5|").ShouldBe("OK");
        _host.Events.ShouldBe(["@introduceDomain i", "@releaseDomain r"]);
        _five.Events.ShouldBeEmpty();   // it may not watch that
        (_host.Read("/local/domain/5/data"), _host.Ask(StoreOperation.GetPermissions, "/shared|"), _host.Ask(StoreOperation.Control, "check|")).ShouldBe(("!ENOENT", "n0|r6", "OK"));
    }

    [Fact]
    public void ResetWatches_TakesWatchesAndTransactionsBack()
    {
        _five.Watch("data");
        uint transaction = _five.Begin();
        _ = _five.Events;
        _five.Ask(StoreOperation.ResetWatches, "|").ShouldBe("OK");
        _five.Write("data/x", "1");
        _five.Events.ShouldBeEmpty();
        _five.End(transaction).ShouldBe("!ENOENT");
    }

    [Fact]
    public void Transaction_WithinAnother_OrOfAnotherOperation_IsRefused()
    {
        uint transaction = _host.Begin();
        (_host.Ask(StoreOperation.TransactionStart, "|", transaction), _host.Ask(StoreOperation.Watch, "/a|t|", transaction), _host.Ask(StoreOperation.TransactionEnd, "X|", transaction)).ShouldBe(("!EBUSY", "!EINVAL", "!EINVAL"));
        (_host.Read("/", 99), _five.Read("/", transaction)).ShouldBe(("!ENOENT", "!ENOENT"));
    }

    [Fact]
    public void Transactions_ThatMakeDifferentChildrenOfOneNode_DoNotConflict()
    {
        uint one = _host.Begin(), two = _host.Begin();
        (_host.Write("/dir/a", "1", one), _host.Write("/local/a", "1", one), _host.Write("/local/b", "1", two)).ShouldBe(("OK", "OK", "OK"));
        (_host.End(one), _host.End(two)).ShouldBe(("OK", "OK"));
        (_host.Read("/local/a"), _host.Read("/local/b")).ShouldBe(("1", "1"));
    }

    [Fact]
    public void Changes_AppliedAgain_GiveTheSameTree()
    {
        _five.Write("data/x/y", "1");
        _five.Allow("data/x", "r5,b6");
        new MemorySession(_engine, 6).Write("/local/domain/5/data/x/z", "2").ShouldBe("OK");
        _five.Remove("data/x/y");
        StoreEngine again = new(new(), new OpenSink());
        foreach (StoreChange change in _sink.Changes) again.Replay(change);
        Dump(again.Root).ShouldBe(Dump(_engine.Root));
        new MemorySession(again).Ask(StoreOperation.Control, "check|").ShouldBe("OK");
    }

    internal static string Dump(StoreNode node, string indent = "") =>
        $"{indent}{StoreText.ToText(node.Name)}={StoreText.ToText(node.Value)} ({node.Permissions})\n" + string.Concat(node.Children.From(0).Select(child => Dump(child, indent + " ")));
}
