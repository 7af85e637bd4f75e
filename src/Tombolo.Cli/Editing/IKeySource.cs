// SPDX-License-Identifier: MIT
namespace Tombolo.Cli.Editing;

/// <summary>Where a line editor's keys come from.</summary>
internal interface IKeySource
{
    /// <summary>Waits for a key.</summary>
    /// <returns>The key, or null at the end of input.</returns>
    ConsoleKeyInfo? Next();
}

/// <summary>The keys of the terminal that this process runs on. Ctrl-C is a key like the others while it reads.</summary>
internal sealed class ConsoleKeySource : IKeySource, IDisposable
{
    public ConsoleKeySource() => Console.TreatControlCAsInput = true;

    public ConsoleKeyInfo? Next()
    {
        try { return Console.ReadKey(intercept: true); }
        catch (InvalidOperationException) { return null; }   // the terminal is gone
    }

    public void Dispose() => Console.TreatControlCAsInput = false;
}
