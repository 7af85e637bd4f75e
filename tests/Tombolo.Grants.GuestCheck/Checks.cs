// SPDX-License-Identifier: MIT
using Tombolo.Grants.Conformance;
using Tombolo.Store;

namespace Tombolo.Grants.GuestCheck;

/// <summary>The whole suite, one side of it.</summary>
public static class Checks
{
    /// <summary>Runs all checks over one link, and stops at the first that fails.</summary>
    /// <returns>How many passed; -1 where one failed.</returns>
    public static int Run(IDomain self, DomainId peer, ICheckLink link, bool isFirst, string name, TextWriter output)
    {
        int passed = 0;
        foreach (GrantCheck check in GrantChecks.All.Where(check => check.Name.StartsWith(name, StringComparison.Ordinal)))
        {
            try { CheckRun.Run(check, isFirst, new(self, peer, link)); }
            catch (CheckException exception)
            {
                output.WriteLine($"not ok {exception.Message}");
                return -1;
            }
            output.WriteLine($"ok {check.Name}");
            passed++;
        }
        output.WriteLine($"conformance: {passed} checks passed");
        return passed;
    }
}
