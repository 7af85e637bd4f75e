// SPDX-License-Identifier: MIT
namespace Tombolo.Grants.Conformance;

/// <summary>One thing that every back end must do, with a part for each of two domains.</summary>
public sealed record GrantCheck(string Name, Action<CheckSide> First, Action<CheckSide> Second)
{
    public override string ToString() => Name;
}

/// <summary>Runs checks.</summary>
public static class CheckRun
{
    /// <summary>Does one side of one check. Both sides begin and end together, so that checks can follow each other over one link.</summary>
    /// <exception cref="CheckException">The back end does not do what it must; both sides throw.</exception>
    public static void Run(GrantCheck check, bool isFirst, CheckSide side)
    {
        side.Meet($"begin {check.Name}");
        try { (isFirst ? check.First : check.Second)(side); }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            side.SendFailure(exception);
            throw new CheckException($"{check.Name}, {(isFirst ? "first" : "second")} side: {exception.Message}", exception);
        }
        side.Meet($"end {check.Name}");
    }

    /// <summary>Does both sides of one check, on two threads of this process.</summary>
    public static void Run(GrantCheck check, IDomain first, IDomain second)
    {
        (ICheckLink one, ICheckLink other) = MemoryLink.Pair();
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try { Run(check, isFirst: false, new(second, first.Id, other)); }
            catch (CheckException exception) { failure = exception; }
        });
        thread.Start();
        try { Run(check, isFirst: true, new(first, second.Id, one)); }
        finally { thread.Join(); }
        if (failure is not null) throw failure;
    }
}
